import { describe, expect, it } from "vitest";
import type { Log } from "../../src/main/log.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { entries, frame, receiptsOf } from "../main/frames.js";
import { type TestBroker, testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const SHARDS = 2;

/** Publishes to names until each shard has one: which shard a name is on shows in TOPICS. */
const topicOfEachShard = async (client: NativeClient): Promise<string[]> => {
  const topics: string[] = [];
  for (let i = 0; topics.filter(Boolean).length < SHARDS; i++) {
    const name = `topic-${i}`;
    client.send(frame(Op.PUBLISH, 900, [name], entries("x")));
    await client.next();
    for (let shard = 0; shard < SHARDS; shard++) {
      const { payload } = await client.ask(Op.TOPICS, 901, [shard, "", 1_000]);
      if (payload.includes(name)) topics[shard] = name;
    }
  }
  return topics;
};

const code = (kind: keyof typeof ERRORS): number => ERRORS[kind].code;

describe("a shard's thread that dies", () => {
  it("is replaced: what was asked of it is answered, its consumers are told, the other shard notices nothing", async () => {
    const { broker, tcp } = await testBroker({ shards: SHARDS });
    const client = await NativeClient.greeted(tcp);
    const [first = "", second = ""] = await topicOfEachShard(client);

    const consumer = await NativeClient.greeted(tcp);
    consumer.send(frame(Op.CONSUME, 2, [first, "", 0]), frame(Op.CONSUME, 3, [second, "", 0]));
    consumer.send(frame(Op.SUBSCRIBE, 4, [first]));
    for (let confirmed = 0; confirmed < 3; ) confirmed += receiptsOf(await consumer.next()).length;
    client.send(frame(Op.POP, 50, [`${first}`, "nosuch", 1, 0]));
    await client.answer(50);
    client.send(frame(Op.PURGE, 51, [first, "", "all"]), frame(Op.PURGE, 52, [second, "", "all"]));
    for (let confirmed = 0; confirmed < 2; ) confirmed += receiptsOf(await client.next()).length;
    client.send(frame(Op.POP, 60, [first, "", 1, 60_000]), frame(Op.POP, 61, [second, "", 1, 60_000]));
    await client.ping();
    // Both pops wait on their shards when the STATS behind them has been answered.
    for (const topic of [first, second]) await client.ask(Op.STATS, 62, [topic]);

    await broker.supervisor.kill(0);
    const lost = await client.answer(60);
    expect([lost.op, lost.head[0], lost.head[2]]).toEqual([Answer.ERROR, code("SHARD_RESTARTED"), true]);
    const closed = [await consumer.next(), await consumer.next()];
    expect(closed.map(({ op, request, head }) => [op, request, head[0]])).toEqual([
      [Answer.CONSUMER_CLOSED, 2, code("SHARD_RESTARTED")],
      [Answer.CONSUMER_CLOSED, 4, code("SHARD_RESTARTED")],
    ]);

    // The other shard still has the pop, and the consumer; the new life takes publishes at once.
    client.send(frame(Op.PUBLISH, 70, [second], entries("kept waiting")));
    const popped = await client.answer(61);
    expect(popped.payload.includes("kept waiting")).toBe(true);
    client.send(frame(Op.PUBLISH, 71, [first], entries("new life")));
    const again = await client.ask(Op.POP, 72, [first, "", 1, 5_000]);
    expect(again.payload.includes("new life")).toBe(true);
    expect(consumer.isClosed).toBe(false);
    await consumer.ping();
  });

  it("is not replaced for ever: after five times in a minute its requests are refused, and the log says so", async () => {
    const errors: string[] = [];
    const note = (_: object, text: string): void => {
      errors.push(text);
    };
    const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: note };
    const { broker, tcp } = await testBroker({ shards: SHARDS, log }, {}, (closing) =>
      expect(closing).rejects.toMatchObject({ name: "CloseError", shards: [0] }),
    );
    const client = await NativeClient.greeted(tcp);
    const [first = "", second = ""] = await topicOfEachShard(client);
    for (let death = 1; death <= 5; death++) {
      await broker.supervisor.kill(0);
      const { op } = await client.ask(Op.POP, death, [first]);
      expect(op).toBe(Answer.MESSAGES);
    }
    client.send(frame(Op.POP, 60, [first, "", 1, 60_000]));
    await client.ask(Op.STATS, 61, [first]);
    await broker.supervisor.kill(0);
    const down = await client.answer(60);
    expect([down.head[0], down.head[2]]).toEqual([code("SHARD_DOWN"), false]);
    for (const request of [70, 71]) {
      expect((await client.ask(Op.POP, request, [first])).head[0]).toBe(code("SHARD_DOWN"));
    }
    expect(errors.join()).toMatch(/shard died 6 times .* restart the broker/);
    expect((await client.ask(Op.POP, 80, [second])).op).toBe(Answer.MESSAGES);
  });

  it("five times in more than a minute is replaced again", async () => {
    let now = 0;
    const { broker, tcp } = await testBroker({ shards: 1 }, { now: () => now });
    const client = await NativeClient.greeted(tcp);
    for (let death = 1; death <= 8; death++) {
      now += 13_000;
      await broker.supervisor.kill(0);
      expect((await client.ask(Op.POP, death, ["any"])).op).toBe(Answer.MESSAGES);
    }
  });

  it("is answered for over HTTP as well", async () => {
    const broker: TestBroker = await testBroker();
    const push = async (): Promise<{ code: number }> => {
      const body = new URLSearchParams({ data: JSON.stringify({ body: "x", topic: "t" }) });
      return (await (await fetch(`http://127.0.0.1:${broker.http}/push`, { method: "POST", body })).json()) as never;
    };
    expect((await push()).code).toBe(0);
    await broker.broker.supervisor.kill(0);
    expect((await push()).code).toBe(0);
  });
});

describe("closing a broker", () => {
  it("says GOODBYE, answers what waits, and ends", async () => {
    const { broker, tcp } = await testBroker();
    const client = await NativeClient.greeted(tcp);
    client.send(frame(Op.POP, 5, ["empty", "", 1, 60_000]));
    await client.ping();
    const closing = broker.close();
    expect((await client.next()).op).toBe(Answer.GOODBYE);
    const waited = await client.answer(5);
    expect([waited.op, waited.head[0]]).toEqual([Answer.ERROR, code("SHUTTING_DOWN")]);
    await client.closed;
    await closing;
    await expect(NativeClient.open(tcp)).rejects.toThrow("ECONNREFUSED");
  });

  it("confirms what it had received", async () => {
    const { broker, tcp } = await testBroker();
    const client = await NativeClient.greeted(tcp);
    for (let i = 0; i < 2_000; i++) client.send(frame(Op.PUBLISH, 10 + i, ["last"], entries("x".repeat(1_000))));
    // The first confirm shows that the broker is in the middle of it.
    await client.next();
    await broker.close();
    await client.closed;
    let answered = 0;
    for (const { op, payload } of client.frames) {
      if (op === Answer.CONFIRM)
        for (let at = 0; at < payload.length; at += 20) answered += payload.readUInt32BE(at + 4);
      if (op === Answer.ERROR) answered++;
    }
    expect(answered).toBe(2_000);
  });

  it("does not wait for a publisher that ignores GOODBYE", { timeout: 60_000 }, async () => {
    const closeTimeout = 60_000;
    const { broker, tcp } = await testBroker({ closeTimeout });
    const client = await NativeClient.greeted(tcp);
    const payload = entries("x".repeat(1_000));
    let request = 10;
    const goOn = (): void => {
      if (client.isClosed) return;
      client.send(...Array.from({ length: 50 }, () => frame(Op.PUBLISH, request++, ["busy"], payload)));
      if (client.socket.writableNeedDrain) client.socket.once("drain", goOn);
      else setImmediate(goOn);
    };
    goOn();
    await client.next();
    const begin = performance.now();
    await broker.close();
    expect(performance.now() - begin).toBeLessThan(closeTimeout / 3);
    await client.closed;
  });

  it("answers what waits its turn in a shard", async () => {
    const { broker, tcp } = await testBroker();
    const client = await NativeClient.greeted(tcp);
    const queues = 1_000;
    const requests = 3_000;
    for (let i = 0; i < queues; i++) client.send(frame(Op.DECLARE_QUEUE, 2 + i, ["wide", `queue-${i}`]));
    for (let declared = 0; declared < queues; ) declared += receiptsOf(await client.next()).length;
    // Each walks all queues: what the connection has sent waits behind the first few.
    client.send(...Array.from({ length: requests }, (_, i) => frame(Op.STATS, 10_000 + i, ["wide"])));
    await client.answer(10_000);
    await broker.close();
    await client.closed;
    const answers = client.frames.filter(({ request }) => request >= 10_000);
    expect(new Set(answers.map(({ request }) => request)).size).toBe(requests);
    const codes = new Set(answers.map(({ op, head }) => (op === Answer.RESULT ? 0 : head[0])));
    // A fast machine may have carried out all of them.
    expect([...codes].filter((each) => each !== 0 && each !== code("SHUTTING_DOWN"))).toEqual([]);
  });

  it("leaves nothing behind that keeps the process alive, time after time", async () => {
    for (let i = 0; i < 3; i++) {
      const { broker, tcp } = await testBroker();
      await (await NativeClient.greeted(tcp)).ping();
      await broker.close();
      await broker.close();
    }
  });
});
