import { execFile } from "node:child_process";
import { readdirSync, rmdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDirectory } from "../directories.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const RUN_MS = 120_000;
/** Where the data of the brokers goes. Nothing of it may stay. */
const data = makeDirectory();

/** What `npm run --silent bench` runs, on the library as it is built: nothing is built under the other tests' feet. */
const bench = (...args: readonly string[]): Promise<{ stdout: string }> =>
  run(process.execPath, ["build/bench/main.js", ...args], { cwd: root });

beforeAll(async () => {
  await run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "bench/tsconfig.json"], { cwd: root });
}, RUN_MS);

afterAll(() => rmdirSync(data));

const positive = expect.toSatisfy((value: unknown) => typeof value === "number" && value > 0);
const figures = {
  messages: 4_000,
  messagesPerSecond: positive,
  serverCpuMicrosPerMessage: expect.any(Number),
  serverMainThreadCpuMicrosPerMessage: expect.any(Number),
  clientCpuMicrosPerMessage: positive,
  otherCpuShare: expect.any(Number),
};

test(
  "prints one JSON object with what was measured, where, and the raw variant first",
  async () => {
    const args = ["publish-batched", "consume-ack", "--messages", "4000", "--batch", "50", "--runs", "1", "--json"];
    const { stdout } = await bench(...args, "--users", "--observed", "--data", data);
    const workload = { messages: 4_000, bytes: 128, batch: 50, runs: 1, durabilities: ["fsync"] };
    expect(JSON.parse(stdout)).toEqual({
      hardware: {
        cpu: expect.any(String),
        cores: positive,
        memoryBytes: positive,
        freshMemoryBytesPerSecond: positive,
      },
      disk: { fileSystem: expect.any(String), syncMicros: positive, syncedBytesPerSecond: positive },
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
        { scenario: "publish-batched", variant: "raw", durability: "fsync", ...figures },
        { scenario: "publish-batched", variant: "numbered", durability: "fsync", ...figures },
        { scenario: "publish-batched", variant: "client", durability: "fsync", ...figures },
        { scenario: "consume-ack", variant: "raw", durability: "fsync", ...figures },
        { scenario: "consume-ack", variant: "client", durability: "fsync", ...figures },
        { scenario: "consume-ack", variant: "client-batches", durability: "fsync", ...figures },
      ],
    });
  },
  RUN_MS,
);

interface Told {
  readonly variant: string;
  readonly case?: string;
  readonly durability: string;
  readonly messages: number;
  readonly figures?: Readonly<Record<string, number>>;
}

const told = async (...args: readonly string[]): Promise<readonly Told[]> => {
  const { stdout } = await bench(...args, "--data", data, "--json");
  const { results }: { readonly results: readonly Told[] } = JSON.parse(stdout);
  return results;
};

test(
  "measures the levels of durability in turns, and leaves nothing behind",
  async () => {
    const args = ["publish-single", "--durability", "all", "--variant", "raw", "--messages", "2000", "--runs", "1"];
    const { stdout } = await bench(...args, "--data", data);
    expect(stdout).toMatch(/^scenario .* memory +write +fsync$/m);
    expect(stdout).toMatch(/^publish-single +raw +messages\/s( +[\d,]+){3}$/m);
    expect(readdirSync(data)).toEqual([]);
  },
  RUN_MS,
);

test(
  "recovery counts what came back",
  async () => {
    const results = await told("recovery", "--messages", "20000", "--memory", "64mb", "--runs", "1");
    const names = results.map((result) => result.case);
    expect(names.filter((name) => name?.includes("disk") !== true)).toEqual([
      "all waiting",
      "most acked",
      "half acked, in random order",
      "half of 60 topics acked, in turn",
    ]);
    for (const result of results)
      expect(result).toMatchObject({ durability: "fsync", messages: expect.toSatisfy((n) => n >= 12_000) });
  },
  RUN_MS,
);

test(
  "backlog-disk compares a backlog beyond memory with one in memory",
  async () => {
    const results = await told("backlog-disk", "--messages", "20000", "--runs", "1");
    expect(results.map((result) => [result.case, result.messages])).toEqual([
      ["publish, beyond memory", 20_000],
      ["consume, beyond memory", 20_000],
      ["publish, all in memory", 4_000],
      ["consume, all in memory", 4_000],
    ]);
    expect(results[0]?.figures).toMatchObject({ peakRssBytes: positive, ratioToMemory: positive });
  },
  RUN_MS,
);

test(
  "gmq-line compares one request in flight with the client's, in turns",
  async () => {
    const results = await told("gmq-line", "--messages", "500", "--runs", "1");
    expect(results.map((result) => [result.variant, result.case, result.messages])).toEqual([
      ["pub", "pipelined", 500],
      ["pop-ack", "pipelined", 500],
      ["pub-1", "line, 1 in flight", 100],
      ["pub-1", "client, 1 in flight", 100],
      ["pop-ack-1", "line, 1 in flight", 100],
      ["pop-ack-1", "client, 1 in flight", 100],
    ]);
    for (const i of [2, 4]) expect(results[i]?.figures).toEqual({ ratioToClient: positive });
  },
  RUN_MS,
);

test(
  "gmq-frame pushes, pops and acks every message once",
  async () => {
    const results = await told("gmq-frame", "--messages", "2000", "--runs", "1");
    expect(results.map(({ variant, messages }) => [variant, messages])).toEqual([
      ["push", 2_000],
      ["pop-ack", 2_000],
    ]);
  },
  RUN_MS,
);

test(
  "gmq-http pushes, pops and acks every message once",
  async () => {
    const results = await told("gmq-http", "--messages", "200", "--runs", "1");
    expect(results.map(({ variant, messages }) => [variant, messages])).toEqual([
      ["push", 200],
      ["pop-ack", 200],
    ]);
  },
  RUN_MS,
);

test("what a scenario cannot do is refused", async () => {
  await expect(bench("gmq-line", "--users")).rejects.toMatchObject({
    stderr: "error: the load of gmq-line shows no token: leave out --users\n",
  });
  await expect(bench("recovery", "--durability", "memory")).rejects.toMatchObject({
    stderr: expect.stringContaining("recovery needs a journal"),
  });
});

test("a disk without room is told before anything is written", async () => {
  const args = ["publish-batched", "--messages", "1_000_000_000_000", "--data", data];
  await expect(bench(...args)).rejects.toMatchObject({ stderr: expect.stringMatching(/MiB free, and .* are needed/) });
});

test("help lists the scenarios", async () => {
  const { stdout } = await bench("--help");
  const names =
    "publish-batched publish-single consume-ack end-to-end request-reply fan-out delayed topics backlog group-commit recovery backlog-disk http-push ws grpc-pub gmq-line gmq-frame gmq-http";
  for (const name of names.split(" ")) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
});

test("an unknown scenario is refused with the names of those there are", async () => {
  await expect(bench("no-such")).rejects.toMatchObject({ stderr: expect.stringContaining("publish-batched, ") });
});
