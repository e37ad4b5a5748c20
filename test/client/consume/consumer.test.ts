import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/client/client.js";
import type { Consumer } from "../../../src/client/consume/consumer.js";
import { Answer, Op, RENEW } from "../../../src/protocol/op.js";
import {
  confirm,
  connected,
  error,
  frame,
  result,
  runs,
  type ScriptedBroker,
  selectionsOf,
} from "../scripted-broker.js";

const consuming = async (
  prefetch?: number,
): Promise<{ client: Client; broker: ScriptedBroker; consumer: Consumer; request: number }> => {
  const { client, broker } = await connected();
  broker.answer = ({ op, request }) => {
    if (op !== Op.CREDIT) broker.send(op === Op.PING ? result(request) : confirm({ request }));
  };
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
  it("asks for a prefetch that renews itself", async () => {
    const { broker } = await consuming(50);
    const consume = await broker.nth(Op.CONSUME);
    expect([consume.head, consume.flags]).toEqual([["orders", null, 50], RENEW]);
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
    broker.answer = ({ request }) => broker.send(deliver(request, 10, 1), confirm({ request }));
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
      broker.send(confirm({ request: seen.request }));
    };
    broker.send(deliver(request, 10, 2));
    expect(await take(consumer, 1)).toEqual(["10"]);
    await consumer.stop();
    expect((await broker.nth(Op.STOP)).head).toEqual(["orders", null, request]);
    expect((await broker.seen(Op.NACK, 2)).map(selectionsOf)).toEqual([[[11, 1, 7]], [[20, 1, 7]]]);
    expect(await take(consumer, 1)).toEqual(["end"]);
    expect(await consumer.closed).toBeUndefined();
  });

  it("by leaving the loop gives back what was not read", async () => {
    const { broker, consumer, request } = await consuming();
    broker.send(deliver(request, 10, 4));
    for await (const message of consumer) {
      expect(message.text()).toBe("10");
      break;
    }
    const nack = await broker.nth(Op.NACK);
    expect(selectionsOf(nack)).toEqual([[11, 3, 7]]);
    expect(broker.frames.slice(-2).map(({ op }) => op)).toEqual([Op.STOP, Op.NACK]);
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

  it("for any reason still gives what was acked on delivery", async () => {
    const { client, broker, consumer, request } = await consuming();
    broker.send(deliver(request, 10, 2, 0), deliver(request, 20, 2));
    await client.ping();
    broker.socket.destroy();
    await client.closed;
    expect(await take(consumer, 2)).toEqual(["10", "11"]);
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

  it("is a prefetch beside what was acked on delivery, which is not dropped", async () => {
    const { client, broker, consumer, request } = await consuming(4);
    broker.send(deliver(request, 10, 2), deliver(request, 20, 4, 0), deliver(request, 30, 3));
    await client.ping();
    expect([consumer.buffered, consumer.lapsed]).toEqual([8, 1]);
    expect(await take(consumer, 8)).toEqual(["11", "20", "21", "22", "23", "30", "31", "32"]);
  });

  it("is added to on a topic that acks by itself, half a prefetch at a time", async () => {
    const { client, broker, consumer, request } = await consuming(4);
    broker.send(deliver(request, 10, 4, 0));
    expect(await take(consumer, 1)).toEqual(["10"]);
    await client.ping();
    expect(broker.frames.filter(({ op }) => op === Op.CREDIT)).toEqual([]);
    await take(consumer, 1);
    expect(await broker.nth(Op.CREDIT)).toMatchObject({ request: 0, head: ["orders", null, request, 2] });
    broker.send(deliver(request, 20, 2, 0));
    expect(await take(consumer, 4)).toEqual(["12", "13", "20", "21"]);
  });

  it("is never more than the credit there was on a topic that acks by itself", async () => {
    const { client, broker, request } = await consuming(4);
    broker.send(deliver(request, 10, 5, 0));
    expect(await client.closed).toMatchObject({ code: "BAD_FRAME" });
  });
});
