import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/client/client.js";
import type { Consumer } from "../../../src/client/consume/consumer.js";
import { AHEAD, Answer, GIVE_BACK, Op, RENEW, REPORTS } from "../../../src/protocol/op.js";
import {
  answerTo,
  begun,
  connected,
  DEADLINE,
  error,
  frame,
  runs,
  type ScriptedBroker,
  selectionsOf,
} from "../scripted-broker.js";

const consuming = async (
  prefetch?: number,
  autoAck = false,
): Promise<{ client: Client; broker: ScriptedBroker; consumer: Consumer; request: number }> => {
  const { client, broker } = await connected();
  broker.answer = (seen) => broker.send(answerTo(seen, autoAck));
  const consumer = await client.consume("orders", { prefetch });
  return { client, broker, consumer, request: (await broker.nth(Op.CONSUME)).request };
};

/** MESSAGES with this many messages, from an id on. */
const deliver = (request: number, low: number, count: number, delivery = 7): Buffer => {
  const bodies = Array.from({ length: count }, (_, i) => `${low + i}`);
  return frame(Answer.MESSAGES, request, [], runs({ high: 1, low, delivery, bodies }));
};

const take = async (consumer: Consumer, count: number): Promise<string[]> => {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value } = await consumer.next();
    texts.push(value?.text() ?? "end");
  }
  return texts;
};

describe("a consumer", () => {
  it("asks for a prefetch that renews itself, and reports", async () => {
    const { client, broker } = await consuming(50);
    const consume = await broker.nth(Op.CONSUME);
    expect([consume.head, consume.flags]).toEqual([["orders", null, 50], RENEW | REPORTS]);
    await client.consume("orders");
    expect((await broker.nth(Op.CONSUME, 2)).head).toEqual(["orders", null, 16]);
  });

  it("iterates over the messages in the order in which they come", async () => {
    const { broker, consumer, request } = await consuming();
    const first = take(consumer, 5);
    broker.send(deliver(request, 10, 2), deliver(request, 20, 3));
    expect(await first).toEqual(["10", "11", "20", "21", "22"]);
    broker.send(deliver(request, 30, 1));
    expect(await take(consumer, 1)).toEqual(["30"]);
  });

  it("has messages that came before the answer to its CONSUME", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(deliver(request, 10, 1), begun(request));
    expect(await take(await client.consume("orders"), 1)).toEqual(["10"]);
  });

  it("rejects as its CONSUME is refused", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(error(request, 20, "no such queue", false, false));
    await expect(client.consume("orders", { queue: "x" })).rejects.toMatchObject({ code: "NO_QUEUE" });
    await expect(client.consume("orders", { prefetch: 0 })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("gives batches of what has come, which are settled with one request", async () => {
    const { client, broker, consumer, request } = await consuming();
    broker.send(deliver(request, 10, 3), deliver(request, 20, 2, 8));
    await client.ping();
    for await (const batch of consumer.batches()) {
      expect([batch.size, [...batch].map((message) => message.text())]).toEqual([5, ["10", "11", "12", "20", "21"]]);
      await batch.ack();
      break;
    }
    const [ack, ...more] = await broker.seen(Op.ACK);
    expect([ack && selectionsOf(ack), more]).toEqual([
      [
        [10, 3, 7],
        [20, 2, 8],
      ],
      [],
    ]);
  });
});

describe("a consumer that ends", () => {
  it("by stop hands out nothing more: what has come, and what comes then, is given back", async () => {
    const { broker, consumer, request } = await consuming();
    broker.answer = (seen) => {
      if (seen.op === Op.STOP) broker.send(deliver(request, 20, 1));
      broker.send(answerTo(seen));
    };
    broker.send(deliver(request, 10, 2));
    expect(await take(consumer, 1)).toEqual(["10"]);
    await consumer.stop();
    const stop = await broker.nth(Op.STOP);
    expect([stop.head, stop.flags]).toEqual([["orders", null, request], GIVE_BACK]);
    expect(await take(consumer, 1)).toEqual(["end"]);
    expect(await consumer.closed).toBeUndefined();
  });

  it("by leaving the loop tells how far it has come, and gives back what was not read", async () => {
    const { broker, consumer, request } = await consuming();
    broker.send(deliver(request, 10, 4));
    for await (const message of consumer) {
      expect(message.text()).toBe("10");
      break;
    }
    const [seen, stop] = broker.frames.slice(-2);
    expect([seen?.op, seen?.head, seen && selectionsOf(seen)]).toEqual([
      Op.SEEN,
      ["orders", null, request],
      [[10, 1, 7]],
    ]);
    expect([stop?.op, stop?.flags]).toEqual([Op.STOP, GIVE_BACK]);
  });

  it("because its queue is gone rejects once, and drops what was the queue's", async () => {
    const { client, broker, consumer, request } = await consuming();
    broker.send(deliver(request, 10, 2), frame(Answer.CONSUMER_CLOSED, request, [33, "the topic was deleted"]));
    await client.ping();
    expect(await consumer.closed).toMatchObject({ code: "TOPIC_DELETED" });
    await expect(consumer.next()).rejects.toMatchObject({ code: "TOPIC_DELETED" });
    expect(await consumer.next()).toEqual({ done: true, value: undefined });
    await consumer.stop();
    expect(broker.frames.filter(({ op }) => op === Op.STOP)).toEqual([]);
  });

  it("because the connection is lost hands out nothing more, of a topic that acks by itself neither", async () => {
    const { client, broker, consumer, request } = await consuming(4, true);
    broker.send(deliver(request, 10, 2));
    await client.ping();
    broker.socket.destroy();
    await client.closed;
    await expect(consumer.next()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("because the connection is lost rejects with that", async () => {
    const { broker, consumer } = await consuming();
    const next = consumer.next();
    broker.socket.destroy();
    await expect(next).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("because its client was closed just ends", async () => {
    const { client, consumer } = await consuming();
    const next = consumer.next();
    await client.close();
    expect((await next).done).toBe(true);
  });

  it("by asyncDispose has stopped", async () => {
    const { broker, consumer } = await consuming();
    await consumer[Symbol.asyncDispose]();
    expect(await broker.seen(Op.STOP)).toHaveLength(1);
  });
});

describe("what a consumer holds", () => {
  it("is a prefetch: of more the oldest have been taken away by their TTR", async () => {
    const { client, broker, consumer, request } = await consuming(4);
    broker.send(deliver(request, 10, 3), deliver(request, 20, 3));
    await client.ping();
    expect([consumer.buffered, consumer.lapsed]).toEqual([4, 2]);
    expect(await take(consumer, 4)).toEqual(["12", "20", "21", "22"]);
  });

  it("is acked by what it reports on a topic that acks by itself", async () => {
    const { broker, consumer, request } = await consuming(4, true);
    broker.send(deliver(request, 10, 2));
    const { value } = await consumer.next();
    expect([value?.isAcked, value?.deadline]).toEqual([true, 0]);
    await value?.ack();
    await expect(value?.nack()).rejects.toMatchObject({ code: "UNKNOWN_MESSAGE" });
    expect(selectionsOf(await broker.nth(Op.SEEN))).toEqual([[10, 1, 7]]);
    expect(broker.frames.filter(({ op }) => op === Op.ACK)).toEqual([]);
  });
});

describe("how far a program has come", () => {
  it("is told before it has a message, so that a message which kills it is known", async () => {
    const { broker, consumer, request } = await consuming();
    broker.send(deliver(request, 10, 3));
    while (consumer.buffered < 3) await new Promise(setImmediate);
    // In one turn, of which a process that is killed does not reach the end.
    consumer.take();
    consumer.take();
    expect((await broker.seen(Op.SEEN, 2)).map(selectionsOf)).toEqual([[[10, 1, 7]], [[11, 1, 7]]]);
  });

  it("is told of a quick program's first messages one by one at first, then of a few at a time", async () => {
    const { client, broker, consumer, request } = await consuming(1000);
    broker.send(deliver(request, 0, 1000));
    while (consumer.buffered < 1000) await new Promise(setImmediate);
    for (let i = 0; i < 1000; i++) consumer.take();
    await client.ping();
    const told = broker.frames.filter(({ op }) => op === Op.SEEN).map((each) => selectionsOf(each)[0]?.[0] ?? -1);
    expect(told.slice(0, 64)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect(Math.max(...told.slice(1).map((low, i) => low - (told[i] ?? 0)))).toBeLessThanOrEqual(33);
    // Fewer, but for the times that this process was not running.
    expect(told.length).toBeLessThan(500);
    expect(told.at(-1)).toBe(999);
  });

  it("is told one by one of a program that does something with each", async () => {
    const { broker, consumer, request } = await consuming(1000);
    broker.send(deliver(request, 0, 300));
    while (consumer.buffered < 300) await new Promise(setImmediate);
    for (let i = 0; i < 300; i++) {
      consumer.take();
      const handed = performance.now();
      while (performance.now() - handed < 0.1);
    }
    const told = (await broker.seen(Op.SEEN, 300)).map((each) => selectionsOf(each)[0]?.[0]);
    expect(told).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  it("is told once in a turn when it has had a thousand, with the acks", async () => {
    const { client, broker, consumer, request } = await consuming(3000);
    broker.send(deliver(request, 0, 2000));
    for (let i = 0; i < 1024; i++) await consumer.next();
    await client.ping();
    const before = broker.frames.length;
    for (let i = 0; i < 500; i++) void (await consumer.next()).value?.ack();
    await client.ping();
    const frames = broker.frames.slice(before).filter(({ op }) => op !== Op.PING);
    expect(frames.map((each) => [each.op, selectionsOf(each)])).toEqual([
      [Op.SEEN, [[1523, 1, 7]]],
      [Op.ACK, [[1024, 500, 7]]],
    ]);
  });

  it("is told within a turn that is long", async () => {
    const { client, broker, consumer, request } = await consuming(4000);
    broker.send(deliver(request, 0, 3000));
    for (let i = 0; i < 1024; i++) await consumer.next();
    await client.ping();
    const before = broker.frames.length;
    for (let i = 0; i < 1500; i++) consumer.take();
    await client.ping();
    const frames = broker.frames.slice(before).filter(({ op }) => op === Op.SEEN);
    expect(frames.map(selectionsOf)).toEqual([[[2048, 1, 7]], [[2523, 1, 7]]]);
  });

  it("is told of a batch by its last message", async () => {
    const { broker, consumer, request } = await consuming();
    broker.send(deliver(request, 10, 3), deliver(request, 20, 2, 8));
    while (consumer.buffered < 5) await new Promise(setImmediate);
    await consumer.batches().next();
    expect(selectionsOf(await broker.nth(Op.SEEN))).toEqual([[21, 1, 8]]);
  });
});

describe("a lease", () => {
  const TTR = 1000;

  /** A consumer whose broker's clock is at `now`. */
  const leased = async (now: number, ttr: number, prefetch?: number) => {
    const { client, broker } = await connected();
    broker.answer = (seen) => broker.send(seen.op === Op.CONSUME ? begun(seen.request, { now, ttr }) : answerTo(seen));
    const consumer = await client.consume("orders", { prefetch });
    return { client, broker, consumer, request: (await broker.nth(Op.CONSUME)).request };
  };

  const deliverUntil = (request: number, low: number, count: number, time: number): Buffer => {
    const bodies = Array.from({ length: count }, (_, i) => `${low + i}`);
    return frame(Answer.MESSAGES, request, [], runs({ high: 1, low, delivery: 7, bodies, time }));
  };

  it("that has ended while its message waited hands out nothing, and the message is given back", async () => {
    const { broker, consumer, request } = await leased(DEADLINE, TTR);
    broker.send(deliverUntil(request, 10, 2, DEADLINE - 1), deliverUntil(request, 20, 1, DEADLINE + TTR));
    while (consumer.buffered < 3) await new Promise(setImmediate);
    expect(await take(consumer, 1)).toEqual(["20"]);
    expect(consumer.lapsed).toBe(2);
    expect(selectionsOf(await broker.nth(Op.RELEASE))).toEqual([[10, 2, 7]]);
  });

  it("of what waits is renewed before it ends, with one frame", async () => {
    const { broker, consumer, request } = await leased(DEADLINE - TTR, TTR, 10);
    broker.send(deliverUntil(request, 10, 2, DEADLINE), deliverUntil(request, 20, 2, DEADLINE));
    const { value: first } = await consumer.next();
    const isAhead = (): number => broker.frames.filter(({ op, flags }) => op === Op.SEEN && flags === AHEAD).length;
    await expect.poll(isAhead, { timeout: 10_000 }).toBe(1);
    const { value: second } = await consumer.next();
    expect(first?.deadline).toBe(DEADLINE);
    expect(second?.deadline).toBeGreaterThan(DEADLINE);
    expect(consumer.lapsed).toBe(0);
  });

  it("that has ended is noticed within 32 messages by a program that was quick before it blocked its event loop", async () => {
    const { broker, consumer, request } = await leased(DEADLINE - TTR, TTR, 3000);
    broker.send(deliverUntil(request, 0, 2500, DEADLINE));
    while (consumer.buffered < 2500) await new Promise(setImmediate);
    for (let i = 0; i < 1500; i++) consumer.take();
    const end = performance.now() + 2 * TTR;
    while (performance.now() < end);
    let late = 0;
    while (consumer.take() !== undefined) late++;
    expect(late).toBeLessThanOrEqual(32);
    expect([consumer.buffered, consumer.lapsed]).toEqual([0, 1000 - late]);
  });

  it("is not renewed for a program that stays at one message for longer than the TTR", async () => {
    const { broker, consumer, request } = await leased(DEADLINE - 200, 200, 10);
    broker.send(deliverUntil(request, 10, 3, DEADLINE));
    await consumer.next();
    const released = await broker.nth(Op.RELEASE);
    expect(selectionsOf(released)).toEqual([[11, 2, 7]]);
    expect([consumer.buffered, consumer.lapsed]).toEqual([0, 2]);
  });
});
