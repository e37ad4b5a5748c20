/** What a broker holds outlives it, and what stands in the way of its start is said. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { StartPhase, StartProgress } from "../../src/main/progress.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf, texts } from "./clients.js";
import { ANY_PORT, run, started } from "./program.js";

/** The files of the first shard's journal. */
const segments = (data: string): string[] => {
  const directory = join(data, "generation-1", "shard-0");
  const names = readdirSync(directory).filter((name) => name.endsWith(".seg"));
  return names.sort().map((name) => join(directory, name));
};

describe("a broker that is started again on its directory", () => {
  it("has what it had: messages, delays, dead letters, configuration, queues, pauses; and not what was acked", async () => {
    const data = testDirectory();
    const before = await testBroker({ data, shards: 2 });
    const client = await clientOf(before.tcp);
    await client.configure("orders", { retries: 7, ttr: 30_000 });
    const receipts = await client.publishBatch("orders", ["one", "two", "three", "four", "five"]);
    expect(receipts.durability).toBe("fsync");
    const [one, two, three] = await client.pop("orders", { max: 3 });
    await one?.ack();
    await two?.nack({ retry: false });
    await client.publish("orders", "later", { delay: 3_600_000 });
    await client.declareQueue("orders", "quiet");
    await client.publish("orders", "held back", { routeKey: "quiet" });
    await client.pause("orders", { queue: "quiet" });
    for (let i = 0; i < 20; i++) await client.publish(`topic-${i}`, `body ${i}`);
    await client.close();
    await before.broker.close();

    const after = await testBroker({ data, shards: 2 });
    const again = await clientOf(after.tcp);
    const { config, queues } = await again.stats("orders");
    expect(config).toMatchObject({ retries: 7, ttr: 30_000 });
    expect(queues.find(({ bindKey }) => bindKey === "quiet")).toMatchObject({ ready: 1, paused: true });
    expect(texts(await again.pop("orders", { queue: "quiet" }))).toEqual([]);
    expect(texts(await again.browse("orders", { state: "delayed" }))).toEqual(["later"]);
    expect(texts(await again.popDead("orders"))).toEqual(["two"]);
    // What was in flight is ready again.
    const popped = await again.pop("orders", { max: 10 });
    expect(texts(popped).sort()).toEqual(["five", "four", "three"]);
    expect(popped.map(({ id }) => id)).toContain(three?.id);
    for (let i = 0; i < 20; i++) expect(texts(await again.pop(`topic-${i}`))).toEqual([`body ${i}`]);
    // Numbers go on where they were.
    const receipt = await again.publish("orders", "new");
    expect(BigInt(receipt.id) > BigInt(receipts.ids.at(-1) ?? 0)).toBe(true);
  });

  it("verifies sealed segments, then replays, and tells how far it is", async () => {
    const data = testDirectory();
    const before = await testBroker({ data });
    const client = await clientOf(before.tcp);
    const bodies = Array.from({ length: 64 }, (_, i) => String(i).padEnd(100_000, "x"));
    await client.publishBatch("long", bodies);
    for (const body of bodies) await client.publish("long", body);
    await client.close();
    await before.broker.close();
    expect(segments(data).length).toBeGreaterThan(4);

    const phases: string[] = [];
    const figures: Partial<Record<StartPhase, unknown>> = {};
    let done = 0;
    const progress: StartProgress = {
      begin: (phase, bytes) => phases.push(`${phase} ${bytes > 10_000_000}`),
      advance: (bytes) => {
        done = bytes;
      },
      end: (phase, { messages }) => {
        figures[phase] = { messages, done };
      },
      abort: () => phases.push("aborted"),
    };
    const after = await testBroker({ data, progress }, { minVerifiedBytes: 0 });
    expect(phases).toEqual(["verify true", "replay true"]);
    expect(figures).toMatchObject({ verify: { done: expect.any(Number) }, replay: { messages: 128 } });
    const again = await clientOf(after.tcp);
    for (const body of [...bodies, ...bodies]) {
      const [message] = await again.pop("long");
      expect(message?.text() === body).toBe(true);
    }
  });
});

it("a shard's thread that dies loses nothing that was confirmed", async () => {
  const { broker, tcp } = await testBroker({ shards: 2 });
  const client = await clientOf(tcp);
  const topics = Array.from({ length: 10 }, (_, i) => `topic-${i}`);
  for (const topic of topics) await client.publishBatch(topic, ["acked", "kept"]);
  for (const topic of topics) for (const message of await client.pop(topic)) await message.ack();
  for (let shard = 0; shard < 2; shard++) await broker.supervisor.kill(shard);
  for (const topic of topics) expect(texts(await client.pop(topic, { max: 5 }))).toEqual(["kept"]);
});

describe("the start is refused, in words,", () => {
  const refused = async (args: readonly string[]): Promise<{ code: number | null; err: string }> => {
    const { exit, text } = run(["serve", ...ANY_PORT, ...args]);
    const { code } = await exit;
    expect(text.err).not.toMatch(/\n\s+at /);
    return { code, err: text.err };
  };

  it("when another broker uses the directory: of this process or another; and not once it has ended", async () => {
    const data = testDirectory();
    const { broker } = await testBroker({ data });
    await expect(testBroker({ data })).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringContaining(`${data} is in use by another broker of this process`),
    });
    const { code, err } = await refused(["--data", data, "--shards", "1"]);
    expect([code, err]).toEqual([1, expect.stringContaining(`${data} is in use by the process ${process.pid}`)]);
    await broker.close();
    await testBroker({ data });
  });

  it("when the directory is somebody else's", async () => {
    const data = testDirectory();
    writeFileSync(join(data, "letter.txt"), "Dear all,");
    const { code, err } = await refused(["--data", data]);
    expect([code, err]).toEqual([1, expect.stringContaining("is no data directory of ringmq")]);
    expect(readdirSync(data)).toEqual(["letter.txt"]);
  });

  it("when the directory cannot be made", async () => {
    const file = join(testDirectory(), "file");
    writeFileSync(file, "");
    const { code, err } = await refused(["--data", join(file, "data")]);
    expect([code, err]).toEqual([1, expect.stringMatching(/the data directory .*file.data cannot be used: ENOTDIR/)]);
  });

  it("when a segment is damaged: file, offset and what to do", async () => {
    const data = testDirectory();
    const { broker, tcp } = await testBroker({ data });
    const client = await clientOf(tcp);
    for (let i = 0; i < 40; i++) await client.publish("long", "y".repeat(100_000));
    await client.close();
    await broker.close();
    const [first = ""] = segments(data);
    const bytes = readFileSync(first);
    const at = bytes.indexOf("y".repeat(1_000)) + 500;
    bytes[at] = 0;
    writeFileSync(first, bytes);
    const { code, err } = await refused(["--data", data, "--shards", "1"]);
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^error: ${first}, at byte \\d+: the checksum of the record is wrong`, "m"));
    expect(err).toContain("ringmq journal verify");
    expect(err).toContain("ringmq journal repair");
    // Verified in the pool first, it is found all the same.
    await expect(testBroker({ data }, { minVerifiedBytes: 0 })).rejects.toThrow("checksum of the record is wrong");
  });
});

it("a broker that is killed leaves nothing that keeps the next one from starting, or from what was confirmed", async () => {
  const data = testDirectory();
  const killed = await started([...ANY_PORT, "--data", data, "--shards", "1"]);
  const client = await clientOf(killed.tcp);
  const receipt = await client.publish("orders", "confirmed");
  expect(receipt.durability).toBe("fsync");
  killed.child.kill("SIGKILL");
  await killed.exit;
  const { tcp } = await testBroker({ data });
  expect(texts(await (await clientOf(tcp)).pop("orders"))).toEqual(["confirmed"]);
});

it("a broker of durability memory leaves no directory, and says so in its receipts", async () => {
  const data = join(testDirectory(), "data");
  const { tcp, broker } = await testBroker({ data, durability: "memory" });
  const receipt = await (await clientOf(tcp)).publish("orders", "gone with the process");
  expect(receipt.durability).toBe("memory");
  await broker.close();
  expect(existsSync(data)).toBe(false);
});

it("`ringmq serve` says where the data is, as an absolute path, and how it is kept", async () => {
  const data = testDirectory();
  const { text } = await started([...ANY_PORT, "--data", data, "--durability", "write"]);
  expect(text.out).toContain(`the data in ${data} (write)`);
  expect(text.err).toContain(`messages are kept in the data directory data=${data} durability=write`);
});

it("a disk below its reserve refuses publishes, and nothing else", async () => {
  const data = testDirectory();
  const before = await testBroker({ data });
  const first = await clientOf(before.tcp);
  await first.publishBatch("orders", ["one", "two"]);
  await first.close();
  await before.broker.close();

  const { tcp } = await testBroker({ data, diskReserve: Number.MAX_SAFE_INTEGER });
  const client = await clientOf(tcp);
  await expect(client.publish("orders", "three")).rejects.toMatchObject({ code: "DISK_FULL", retryable: true });
  const [one, two] = await client.pop("orders", { max: 2 });
  await one?.ack();
  await two?.nack({ delay: 0 });
  expect(texts(await client.pop("orders", { max: 5 }))).toEqual(["two"]);
  // What is never on disk has room.
  await client.configure("volatile", { durability: "memory" });
  expect((await client.publish("volatile", "three")).durability).toBe("memory");
});

describe("a topic's own durability", () => {
  it("is what its receipts name, and what is kept of it", async () => {
    const data = testDirectory();
    const before = await testBroker({ data, durability: "write" });
    const client = await clientOf(before.tcp);
    const levels = ["fsync", "write", "memory"] as const;
    for (const durability of levels) {
      await client.configure(durability, { durability });
      expect((await client.publish(durability, "body")).durability).toBe(durability);
    }
    expect((await client.publish("plain", "body")).durability).toBe("write");
    await client.close();
    await before.broker.close();
    const again = await clientOf((await testBroker({ data, durability: "write" })).tcp);
    for (const durability of levels) {
      expect((await again.stats(durability)).config.durability).toBe(durability);
      expect(texts(await again.pop(durability))).toEqual(durability === "memory" ? [] : ["body"]);
    }
  });

  it("is refused by a broker that keeps nothing on disk", async () => {
    const client = await clientOf((await testBroker({ durability: "memory" })).tcp);
    for (const durability of ["fsync", "write"] as const) {
      await expect(client.configure("orders", { durability })).rejects.toMatchObject({ code: "BAD_CONFIG" });
    }
    expect((await client.configure("orders", { durability: "memory" })).durability).toBe("memory");
  });
});
