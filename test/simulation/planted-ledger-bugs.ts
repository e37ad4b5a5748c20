/** Bugs in what a journal writes down of itself, each put in by a seam: what the simulation must find. */
import type { DiskFile } from "../../src/journal/disk.js";
import { FileJournal } from "../../src/journal/file-journal.js";
import { LEDGER } from "../../src/journal/layout.js";
import type { Log } from "../../src/shard/log/log.js";
import { disk, LOST_OR_DAMAGED, type PlantedBug } from "./planted-bugs.js";

export const PLANTED_LEDGER_BUGS: readonly PlantedBug[] = [
  {
    name: "the ledger is never synced",
    symptom: /the file is missing|the ledger says/,
    plant: (makers) => ({
      ...makers,
      view: (view) => {
        const [whole, careless] = [disk(view, {}), disk(view, {}, () => ({ sync: () => undefined }))];
        return { ...whole, open: (path, mode) => (path.endsWith(LEDGER) ? careless : whole).open(path, mode) };
      },
    }),
  },
  {
    name: "a clean end is not synced",
    symptom: LOST_OR_DAMAGED,
    plant: (makers) => {
      let isEnding = false;
      class HastyEnd extends FileJournal {
        override close(log: Log, now: number): void {
          isEnding = true;
          try {
            super.close(log, now);
          } finally {
            isEnding = false;
          }
        }
      }
      const file = (real: DiskFile): Partial<DiskFile> => ({ sync: () => (isEnding ? undefined : real.sync()) });
      return { ...makers, journal: (options) => new HastyEnd(options), view: (view) => disk(view, {}, file) };
    },
  },
];
