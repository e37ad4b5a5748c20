/** Bugs of backups, and of what leaves alone the files that they copy: see planted-bugs.ts. */
import { FileJournal } from "../../src/journal/file-journal.js";
import { NO_SEGMENTS } from "../../src/journal/ledger.js";
import type { Log } from "../../src/shard/log/log.js";
import { historyOf } from "./histories.js";
import type { BackupJobs, Makers } from "./life.js";
import { disk, type PlantedBug } from "./planted-bugs.js";
import type { SimulatedDisk } from "./simulated-disk.js";
import type { History } from "./steps.js";

/** Backups of brokers whose segments fill with garbage meanwhile. */
const backedUp = (seed: number): History =>
  historyOf(seed, 300, { churn: 0.3, crash: 0.03, fault: 0 }, { shards: 1 + (seed % 2), backup: 0.08 });

/** A journal that lets go at once of what was pinned. */
class HastyJournal extends FileJournal {
  override pin(log: Log, now: number): boolean {
    const isPinned = super.pin(log, now);
    this.unpin();
    return isPinned;
  }
}

/** A journal that does not tell compactions that it is pinned. */
class SecretiveJournal extends FileJournal {
  override get isPinned(): boolean {
    return false;
  }
}

/** A journal that is pinned without being on disk. */
class LazyJournal extends FileJournal {
  override pin(): boolean {
    return true;
  }
}

const withJobs = (makers: Makers, jobs: (real: BackupJobs) => Partial<BackupJobs>): Makers => ({
  ...makers,
  backup: { ...makers.backup, ...jobs(makers.backup) },
});

const nothing = (): void => undefined;

const BROKEN = /a backup fails though|cannot be restored|a backup has what was not there|in a backup/;

export const PLANTED_BACKUP_BUGS: readonly PlantedBug[] = [
  {
    name: "a pin is let go before the files are copied",
    symptom: BROKEN,
    historyOf: backedUp,
    plant: (makers) => ({ ...makers, journal: (options) => new HastyJournal(options) }),
  },
  {
    name: "a compaction does not mind a pin",
    symptom: BROKEN,
    historyOf: backedUp,
    plant: (makers) => ({ ...makers, journal: (options) => new SecretiveJournal(options) }),
  },
  {
    name: "a shard is pinned before all of it is on disk",
    symptom: BROKEN,
    historyOf: backedUp,
    plant: (makers) => ({ ...makers, journal: (options) => new LazyJournal(options) }),
  },
  {
    name: "a backup leaves a segment out",
    symptom: BROKEN,
    historyOf: backedUp,
    plant: (makers) =>
      withJobs(makers, ({ copy }) => ({
        copy: (view, checksum, input) => {
          const copied = copy(view, checksum, input);
          if (input.sequence === 1) view.remove(input.to);
          return copied;
        },
      })),
  },
  {
    name: "a backup lists only a part of what it has",
    symptom: BROKEN,
    historyOf: backedUp,
    plant: (makers) =>
      withJobs(makers, ({ finish }) => ({
        finish: (view, path, ledgers, files) => finish(view, path, ledgers, files.slice(1)),
      })),
  },
  {
    name: "copies of segments are not synced",
    symptom: /cannot be restored/,
    historyOf: backedUp,
    plant: (makers) =>
      withJobs(makers, ({ copy }) => ({
        copy: (view, checksum, input) =>
          copy(
            disk(view as SimulatedDisk, {}, () => ({ sync: nothing })),
            checksum,
            input,
          ),
      })),
  },
  {
    name: "a backup passes for one from its beginning",
    symptom:
      /was never copied|cannot be restored|fails though|a backup has what was not there|in a backup|starts on a backup/,
    historyOf: backedUp,
    plant: (makers) =>
      withJobs(makers, ({ begin, finish }) => ({
        begin: (view, path, shards) => {
          begin(view, path, shards);
          const ledgers = Array.from({ length: shards }, () => NO_SEGMENTS);
          finish(view, path, ledgers, []);
        },
        finish: nothing,
      })),
  },
  {
    name: "the end of a backup is not synced",
    symptom: /cannot be restored/,
    historyOf: backedUp,
    plant: (makers) =>
      withJobs(makers, ({ finish }) => ({
        finish: (view, path, ...what) => finish(disk(view as SimulatedDisk, { syncDirectory: nothing }), path, ...what),
      })),
  },
];
