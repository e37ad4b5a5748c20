/**
 * Bugs around what comes to an end: a journal that stalls, a broker that stops in order, topics and queues that are
 * deleted, levels that are raised. Where it says so the assertion is off that production has against it, and the
 * simulation must find it alone.
 */
import type { DiskFile } from "../../src/journal/disk.js";
import { FileJournal } from "../../src/journal/file-journal.js";
import { Durability } from "../../src/protocol/op.js";
import type { Log } from "../../src/shard/log/log.js";
import { stalling } from "./directed-histories.js";
import { raising } from "./histories.js";
import type { Makers } from "./life.js";
import { disk, LOST_OR_DAMAGED, type PlantedBug, UNFOUNDED } from "./planted-bugs.js";
import { around, BROKEN, WRONG_LEVEL } from "./planted-promises.js";

/** Says that everything is durable, because it has tried. */
class ImpatientJournal extends FileJournal {
  override commit(log: Log, now: number): number {
    const end = super.commit(log, now);
    return this.state.kind === "stalled" ? log.position : end;
  }
}

const impatient = (makers: Makers): Makers => ({ ...makers, journal: (options) => new ImpatientJournal(options) });

export const PLANTED_ENDS: readonly PlantedBug[] = [
  {
    name: "answers are sent while the journal stalls",
    symptom: UNFOUNDED,
    historyOf: stalling,
    plant: impatient,
  },
  {
    name: "answers are sent while the journal stalls, and nothing asserts their footing",
    symptom: BROKEN,
    historyOf: stalling,
    plant: (makers) => ({ ...impatient(makers), hasFooting: false }),
  },
  {
    name: "a clean end is not synced",
    symptom: LOST_OR_DAMAGED,
    plant: (makers) => {
      let isEnding = false;
      class HastyJournal extends FileJournal {
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
      return { ...makers, journal: (options) => new HastyJournal(options), view: (view) => disk(view, {}, file) };
    },
  },
  {
    name: "a topic that is raised goes on at the level that it had",
    symptom: WRONG_LEVEL,
    historyOf: raising,
    plant: (makers) =>
      around(makers, "configure", ({ directory }, apply) => {
        const before = new Map([...directory.topics].map((topic) => [topic, topic.level]));
        const isDone = apply();
        for (const topic of directory.topics) topic.level = Math.min(topic.level, before.get(topic) ?? topic.level);
        return isDone;
      }),
  },
  {
    name: "that a topic is raised is as durable as the broker",
    symptom: BROKEN,
    historyOf: raising,
    plant: (makers) =>
      around(makers, "configure", ({ store: { log, level } }, apply) => {
        const { demand } = log;
        const isDone = apply();
        log.demand = Math.max(demand, Math.min(log.demand, level));
        return isDone;
      }),
  },
  {
    name: "what is published after a topic is raised is as durable as before",
    symptom: BROKEN,
    historyOf: raising,
    plant: (makers) =>
      around(makers, "publish", ({ store: { log } }, apply) => {
        const { demand } = log;
        const isDone = apply();
        log.demand = Math.max(demand, Math.min(log.demand, Durability.write));
        return isDone;
      }),
  },
];
