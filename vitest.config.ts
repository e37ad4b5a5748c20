import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { tally } from "./test/tally.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A process for each file: tests load a native addon, start worker threads and count what is left open.
    pool: "forks",
    // The built files run as Node runs them for a user, not through the transformer.
    server: { deps: { external: [/\/dist\//] } },
    // A file with a broker in it keeps two cores busy (the main thread and a shard), and timers are held to 10 ms.
    maxWorkers: Math.max(1, Math.floor(availableParallelism() / 2)),
    // Nothing here waits for time to pass; these only say when something hangs.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ["default", tally],
  },
});
