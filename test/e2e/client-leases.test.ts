/**
 * What waits unread in a client is nobody's failure: it is kept under its leases, given back when the program leaves, and
 * only what a program was handed counts as a retry. With all defaults where nothing else is said.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client } from "../../src/client/client.js";
import type { Consumer } from "../../src/client/consume/consumer.js";
import { sharedBroker } from "./brokers.js";
import { clientOf } from "./clients.js";

const WORKER = fileURLToPath(new URL("consuming-process.mjs", import.meta.url));

const broker = sharedBroker({ durability: "memory" });

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

/** Works on messages one after the other, until there are no more for a moment. Returns what it read. */
const working = async (consumer: Consumer, work: number, refused: string[]): Promise<string[]> => {
  const read: string[] = [];
  for await (const message of consumer) {
    read.push(message.text());
    await pause(work);
    message.ack().catch(({ code }) => refused.push(code));
  }
  return read;
};

/** Resolves when so many messages have been acked. */
const acked = async (client: Client, topic: string, count: number): Promise<void> => {
  while ((await client.stats(topic)).acked < count) await pause(20);
};

it("seven consumers that ack one message and leave take seven of a hundred; no other has a retry", async () => {
  const client = await clientOf(broker().tcp);
  await client.publishBatch("left", numbers(100));
  for (let i = 0; i < 7; i++) {
    for await (const message of await client.consume("left", { prefetch: 50 })) {
      expect(message.text()).toBe(`${i}`);
      await message.ack();
      break;
    }
  }
  const rest = await client.pop("left", { max: 200 });
  expect(rest.map((message) => [message.text(), message.retry])).toEqual(
    numbers(100)
      .slice(7)
      .map((body) => [body, 0]),
  );
  expect(await client.stats("left")).toMatchObject({ dead: 0, retried: 0 });
});

describe("jobs that take longer than a TTR together", () => {
  it.each([undefined, 1000])("run once each, and no ack is refused: prefetch %s", async (prefetch) => {
    const client = await clientOf(broker().tcp);
    const topic = `slow-${prefetch}`;
    // Shorter than all of them take, and longer than a busy machine stands still.
    await client.configure(topic, { ttr: 5000 });
    await client.publishBatch(topic, numbers(200));
    const consumer = await client.consume(topic, { prefetch });
    const refused: string[] = [];
    const read = working(consumer, 30, refused);
    await acked(client, topic, 200);
    await consumer.stop();
    // What a worker gives back because it was held up comes again behind what was on its way.
    expect([(await read).sort((one, other) => Number(one) - Number(other)), refused]).toEqual([numbers(200), []]);
    expect(await client.stats(topic)).toMatchObject({ acked: 200, retried: 0 });
  });

  it("are shared by two workers that are as fast", async () => {
    const client = await clientOf(broker().tcp);
    await client.publishBatch("shared", numbers(400));
    const consumers = await Promise.all([client.consume("shared"), (await clientOf(broker().tcp)).consume("shared")]);
    const refused: string[] = [];
    const reads = consumers.map((consumer) => working(consumer, 10, refused));
    await acked(client, "shared", 400);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    const [one = [], other = []] = await Promise.all(reads);
    expect([new Set([...one, ...other]).size, one.length + other.length, refused]).toEqual([400, 400, []]);
    expect(Math.max(one.length, other.length)).toBeLessThanOrEqual(240);
  });
});

describe("a worker that is busy", () => {
  it("gives back what waits for it, so that another one which comes then has work", async () => {
    const client = await clientOf(broker().tcp);
    await client.publishBatch("busy", numbers(10));
    const first = await client.consume("busy");
    const { value } = await first.next();
    const seen: string[] = [];
    for await (const message of await (await clientOf(broker().tcp)).consume("busy")) {
      seen.push(message.text());
      await message.ack();
      if (seen.length === 8) break;
    }
    // The first keeps one for when it is done.
    expect([value?.text(), (await first.next()).value?.text(), seen]).toEqual(["0", "1", numbers(10).slice(2)]);
  });
});

describe("a topic that acks by itself", () => {
  it("loses nothing that its program has not read: when the loop is left, stopped or cut off", async () => {
    const client = await clientOf(broker().tcp);
    await client.configure("auto", { autoAck: true });
    await client.publishBatch("auto", numbers(20));
    for await (const message of await client.consume("auto")) {
      expect([message.text(), message.isAcked]).toEqual(["0", true]);
      break;
    }
    const stopped = await client.consume("auto");
    expect((await stopped.next()).value?.text()).toBe("1");
    await stopped.stop();
    const other = await clientOf(broker().tcp);
    const cut = await other.consume("auto");
    expect((await cut.next()).value?.text()).toBe("2");
    await other.close();
    await expect.poll(async () => (await client.stats("auto")).queues[0]?.ready, { timeout: 10_000 }).toBe(17);
    expect((await client.pop("auto", { max: 20 })).map((message) => message.text())).toEqual(numbers(20).slice(3));
  });
});

describe("a message that kills its worker", () => {
  it("is dead after its limit, and its 999 neighbours have no retry", { timeout: 120_000 }, async () => {
    const client = await clientOf(broker().tcp);
    await client.configure("poisoned", { retries: 3 });
    await client.publishBatch("poisoned", [...numbers(500), "poison", ...numbers(999).slice(500)]);
    const retries = new Set<number>();
    let kills = 0;
    for (; (await client.stats("poisoned")).dead === 0; kills++) {
      const worker = fork(WORKER, [`tcp://127.0.0.1:${broker().tcp}`, "poisoned"]);
      onTestFinished(() => void worker.kill("SIGKILL"));
      worker.on("message", ({ read, retry }: { read?: string; retry: number }) => {
        if (read !== undefined && read !== "poison") retries.add(retry);
      });
      expect(await once(worker, "exit")).toEqual([null, "SIGKILL"]);
      await expect.poll(async () => (await client.stats("poisoned")).queues[0]?.inFlight, { timeout: 10_000 }).toBe(0);
    }
    // It is handed out once, and as often again as it may be retried.
    expect([kills, [...retries]]).toEqual([4, [0]]);
    expect(await client.stats("poisoned")).toMatchObject({ acked: 999, retried: 4 });
    const [dead, ...others] = await client.popDead("poisoned", { max: 10 });
    expect([dead?.text(), dead?.deadReason, others]).toEqual(["poison", "retries", []]);
  });
});
