import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { tally } from "./test/tally.js";

/** Whole brokers under load, or timers held to 10 ms: a broker keeps two cores busy, the main thread and a shard. */
const BROKERS = [
  ...["bench", "e2e", "torture"].map((folder) => `test/${folder}/**/*.test.ts`),
  "test/conformance/*-{time,delivery,pressure,limits}.test.ts",
];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: BROKERS,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "brokers",
          include: BROKERS,
          maxWorkers: Math.max(1, Math.floor(availableParallelism() / 2)),
          sequence: { groupOrder: 1 },
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
    reporters: ["default", tally],
  },
});
