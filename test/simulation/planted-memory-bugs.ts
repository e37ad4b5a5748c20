/** Bugs of topics that are in memory alone, which no restart shows: see planted-bugs.ts. */
import { historyOf } from "./histories.js";
import type { PlantedBug } from "./planted-bugs.js";
import type { History } from "./steps.js";

/** Messages of a topic in memory that stay, among many that go at once. */
const inMemory = (seed: number): History =>
  historyOf(seed, 150, { churn: 0.4, crash: 0.03, fault: 0, topics: ["t"] }, { inMemory: "t", backup: 0 });

export const PLANTED_MEMORY_BUGS: readonly PlantedBug[] = [
  {
    name: "a page of messages in memory goes while one is left in it",
    symptom: /has the bytes of another|is lost while its shard lives|is invented|page|an entry has reserved bits/,
    historyOf: inMemory,
    plant: (makers) => ({
      ...makers,
      shard: (options) => {
        const shard = makers.shard(options);
        const { pages } = shard.store.log;
        const { release } = pages;
        pages.release = (number, count) => {
          const page = pages.list[number];
          release.call(pages, number, page?.live === count + 1 && !pages.isKept(number) ? count + 1 : count);
        };
        return shard;
      },
    }),
  },
];
