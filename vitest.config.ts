import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.js";
import { tally } from "./test/tally.js";

/** Whole brokers, under load or against the clock. They come after the parts: a broker keeps up to two cores busy. */
const BROKERS = [
  ...["bench", "e2e", "torture"].map((folder) => `test/${folder}/**/*.test.ts`),
  "test/console/*.test.ts",
  "test/conformance/*-{time,delivery,pressure,limits}.test.ts",
];

/**
 * What is content with a process in which others ran before: its files share one and the modules in it, which saves half a
 * second for each.
 */
const SHARED = [
  ...[
    "bridge",
    "channel",
    "cli",
    "client",
    "collections",
    "console/parts",
    "gmq-client",
    "grpc",
    "inspection",
    "main",
    "memmq-client",
  ],
  ...["mq-files", "project", "protocol", "proxy", "registry", "servers", "shard", "testing"],
].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...BROKERS, ...SHARED],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "shared",
          include: SHARED,
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
          // Each closes its brokers: a process in which others ran before is as good, and warm.
          isolate: false,
          // One more than there are cores: most of a broker's tests wait for something most of the time.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    // Processes, one for each file unless a project says otherwise: tests load a native addon, start worker threads and count
    // what is left open.
    pool: "forks",
    // The built files run as Node runs them for a user, not through the transformer.
    server: { deps: { external: [/\/dist\//] } },
    setupFiles: ["./test/equal-bytes.ts"],
    // Nothing here waits for time to pass; these only say when something hangs.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    sequence: { sequencer: LongestFirst },
    reporters: ["default", tally],
  },
});
