import { describe, expect, it } from "vitest";
import { Answer, Op } from "../../../src/protocol/op.js";
import { requestAll } from "../../conformance/native-requests.js";
import { entries, frame, receiptsOf } from "../../main/frames.js";
import { NativeClient } from "../native-client.js";
import { beside, type HostileBroker, hostileBroker } from "./neighbour.js";

/** Requests sent without waiting for answers; resolves when each has had exactly one. */
const pipeline = async (broker: HostileBroker, frames: readonly Buffer[], first = 10): Promise<NativeClient> => {
  const client = await NativeClient.greeted(broker.tcp);
  const waiting = new Set(frames.map((_, i) => first + i));
  client.send(...frames);
  while (waiting.size > 0) {
    const answer = await client.next();
    if (answer.op !== Answer.CONFIRM) {
      expect(waiting.delete(answer.request), `request ${answer.request} is answered twice`).toBe(true);
      continue;
    }
    for (const { request, requests } of receiptsOf(answer)) {
      for (let i = 0; i < requests; i++) expect(waiting.delete(request + i)).toBe(true);
    }
  }
  return client;
};

const QUEUES = 1_024;

/** A topic with as many queues as one may have, whose bind keys are as long as they may be. */
const manyQueues = async (broker: HostileBroker, topic: string): Promise<void> => {
  const keys = Array.from({ length: QUEUES }, (_, i) => `${i}`.padEnd(200, "a"));
  await requestAll(broker.tcp, [
    { op: Op.CONFIGURE, head: [topic, { mode: "pattern", durability: "memory" }] },
    ...keys.map((key) => ({ op: Op.DECLARE_QUEUE, head: [topic, key] })),
  ]);
};

/** So many messages of one byte, each of which the shard knows by itself. */
const backlog = async (broker: HostileBroker, topic: string, messages: number): Promise<void> => {
  const client = await NativeClient.greeted(broker.tcp);
  const batch = entries(...new Array<string>(1_000).fill("x"));
  client.send(frame(Op.CONFIGURE, 2, [topic, { durability: "memory" }]));
  await client.answer(2);
  let confirmed = 0;
  // Delayed by a millisecond: what comes back is in pieces of 32.
  for (let i = 0; i < messages / 1_000; i++) client.send(frame(Op.PUBLISH, 3 + i, [topic, "", 1], batch));
  while (confirmed < messages) {
    for (const { messages: count } of receiptsOf(await client.next())) confirmed += count;
  }
  await client.end();
};

describe("what must walk a shard's state does so in steps", () => {
  it("a pattern over a thousand queues", async () => {
    const broker = await hostileBroker();
    await manyQueues(broker, "patterns");
    await beside(broker, async () => {
      const patterns = Array.from({ length: 300 }, (_, i) => `${"(a|aa|.a)*".repeat(20)}z${i}`);
      const frames = patterns.map((pattern, i) => frame(Op.PUBLISH, 10 + i, ["patterns", pattern], entries("x")));
      await pipeline(broker, frames);
    });
  }, 120_000);

  it("the statistics of a thousand queues", async () => {
    const broker = await hostileBroker();
    await manyQueues(broker, "statistics");
    await beside(broker, async () => {
      await pipeline(
        broker,
        Array.from({ length: 500 }, (_, i) => frame(Op.STATS, 10 + i, ["statistics"])),
      );
    });
  }, 60_000);

  it("browsing far into a long queue", async () => {
    const broker = await hostileBroker();
    await backlog(broker, "long", 1_000_000);
    await beside(broker, async () => {
      const browse = (i: number): Buffer => frame(Op.BROWSE, 10 + i, ["long", "", "ready", 999_990, 10]);
      await pipeline(
        broker,
        Array.from({ length: 500 }, (_, i) => browse(i)),
      );
    });
  }, 120_000);

  it("purging, deleting and re-driving a million messages", async () => {
    const broker = await hostileBroker();
    await backlog(broker, "purged", 1_000_000);
    await backlog(broker, "deleted", 1_000_000);
    await beside(broker, async () => {
      await pipeline(broker, [
        frame(Op.PURGE, 10, ["purged", "", "all"]),
        frame(Op.DELETE_TOPIC, 11, ["deleted"]),
        frame(Op.PING, 12),
      ]);
    });
  }, 120_000);

  it("settling in every queue of a topic", async () => {
    const broker = await hostileBroker();
    await manyQueues(broker, "settled");
    const selections = Buffer.alloc(16 * 16);
    for (let i = 0; i < 16; i++) {
      selections.writeUInt32BE(1 + i, i * 16);
      selections.writeUInt32BE(4_096, i * 16 + 8);
    }
    await beside(broker, async () => {
      const frames = Array.from({ length: 20 }, (_, i) => frame(Op.CANCEL, 10 + i, ["settled"], selections));
      await pipeline(broker, frames);
    });
  }, 60_000);

  it("a connection that goes while it holds tens of thousands of messages and pops", async () => {
    const broker = await hostileBroker();
    await backlog(broker, "held", 100_000);
    await beside(broker, async () => {
      for (let round = 0; round < 3; round++) {
        const client = await NativeClient.greeted(broker.tcp);
        client.send(frame(Op.CONSUME, 2, ["held", "", 60_000]));
        while ((await client.next()).op !== Answer.MESSAGES);
        for (let i = 0; i < 10_000; i++) client.send(frame(Op.POP, 10 + i, ["nothing", "", 1, 60_000]));
        await client.ping();
        client.socket.destroy();
        await client.closed;
      }
    });
  }, 60_000);
});
