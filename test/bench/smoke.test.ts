import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const RUN_MS = 120_000;

/** What `npm run --silent bench` runs, on the library as it is built: nothing is built under the other tests' feet. */
const bench = (...args: readonly string[]): Promise<{ stdout: string }> =>
  run(process.execPath, ["build/bench/main.js", ...args], { cwd: root });

beforeAll(async () => {
  await run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "bench/tsconfig.json"], { cwd: root });
}, RUN_MS);

const positive = expect.toSatisfy((value: unknown) => typeof value === "number" && value > 0);
const figures = {
  messages: 4_000,
  messagesPerSecond: positive,
  serverCpuMicrosPerMessage: expect.any(Number),
  serverMainThreadCpuMicrosPerMessage: expect.any(Number),
  clientCpuMicrosPerMessage: positive,
};

test(
  "prints one JSON object with what was measured, where, and the raw variant first",
  async () => {
    const args = ["publish-batched", "consume-ack", "--messages", "4000", "--batch", "50", "--runs", "1", "--json"];
    const { stdout } = await bench(...args);
    const workload = { messages: 4_000, bytes: 128, batch: 50, runs: 1 };
    expect(JSON.parse(stdout)).toEqual({
      hardware: {
        cpu: expect.any(String),
        cores: positive,
        memoryBytes: positive,
        freshMemoryBytesPerSecond: positive,
      },
      versions: {
        ringmq: expect.any(String),
        node: process.versions.node,
        v8: process.versions.v8,
        system: expect.any(String),
      },
      parameters: {
        "publish-batched": expect.objectContaining(workload),
        "consume-ack": expect.objectContaining(workload),
      },
      results: [
        { scenario: "publish-batched", variant: "raw", ...figures },
        { scenario: "publish-batched", variant: "client", ...figures },
        { scenario: "consume-ack", variant: "raw", ...figures },
        { scenario: "consume-ack", variant: "client", ...figures },
        { scenario: "consume-ack", variant: "client-batches", ...figures },
      ],
    });
  },
  RUN_MS,
);

test("help lists the scenarios", async () => {
  const { stdout } = await bench("--help");
  const names = "publish-batched publish-single consume-ack end-to-end fan-out delayed topics backlog http-push ws";
  for (const name of names.split(" ")) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
});

test("an unknown scenario is refused with the names of those there are", async () => {
  await expect(bench("no-such")).rejects.toMatchObject({ stderr: expect.stringContaining("publish-batched, ") });
});
