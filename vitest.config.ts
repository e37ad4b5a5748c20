import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.js";
import { tally } from "./test/tally.js";

/**
 * Whole brokers, under load or against the clock. They come after the parts: a broker keeps up to two cores busy, the main
 * thread and a shard, but most of them wait for something most of the time.
 */
const BROKERS = [
  ...["bench", "e2e", "torture"].map((folder) => `test/${folder}/**/*.test.ts`),
  "test/conformance/*-{time,delivery,pressure,limits}.test.ts",
];

/**
 * What neither starts threads nor touches what a process has but once: its files share a process and the modules in it,
 * which saves a third of a second for each.
 */
const PURE = [
  "collections",
  "protocol",
  "shard",
  "client/arguments",
  "client/channels",
  "client/consume",
  "client/nodes",
  "client/publish",
  "client/topics",
  "main/front-ends",
  "main/native",
  "inspection",
].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...BROKERS, ...PURE],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "pure",
          include: PURE,
          isolate: false,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "brokers",
          include: BROKERS,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 2 },
        },
      },
    ],
    // A process for each file: tests load a native addon, start worker threads and count what is left open.
    pool: "forks",
    // The built files run as Node runs them for a user, not through the transformer.
    server: { deps: { external: [/\/dist\//] } },
    // Nothing here waits for time to pass; these only say when something hangs.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", tally],
  },
});
