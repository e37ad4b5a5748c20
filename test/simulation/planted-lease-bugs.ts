/** Bugs of what was handed to a program and what was not: see planted-bugs.ts. */
import { historyOf } from "./histories.js";
import type { PlantedBug } from "./planted-bugs.js";
import type { History } from "./steps.js";

/** Histories of consumers that report, and that come and go, with crashes. */
export const reporting = (seed: number): History =>
  historyOf(seed, 250, {
    crash: 0.03,
    reports: 0.7,
    weights: [
      [10, "publish"],
      [8, "consume"],
      [4, "credit"],
      [8, "seen"],
      [3, "stop"],
      [6, "ack"],
      [3, "nack"],
      [3, "release"],
      [3, "disconnect"],
      [2, "pop"],
      [1, "configure"],
      [10, "wait"],
    ],
  });

export const PLANTED_LEASE_BUGS: readonly PlantedBug[] = [
  {
    name: "what no program was handed has failed",
    symptom: /retries, and no more than/,
    historyOf: reporting,
    plant: (makers) => ({
      ...makers,
      shard: (options) => {
        const shard = makers.shard(options);
        const { connections } = shard;
        const add = connections.add.bind(connections);
        connections.add = (...terms) => {
          const consumer = add(...terms);
          consumer.aheadOf = () => 0;
          return consumer;
        };
        return shard;
      },
    }),
  },
];
