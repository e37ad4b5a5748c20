import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/client/client.js";
import type { Message } from "../../../src/client/consume/message.js";
import { formatId } from "../../../src/protocol/id.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import {
  bodiesOf,
  confirm,
  connected,
  type Frame,
  frame,
  result,
  runs,
  type ScriptedBroker,
  selectionsOf,
  settled,
} from "../scripted-broker.js";

const LEASE_LOST = 22;
const UNKNOWN_MESSAGE = 23;

/** A client that has popped messages with the ids 1:10, 1:11, … of delivery 7. */
const popped = async (count: number): Promise<{ client: Client; broker: ScriptedBroker; messages: Message[] }> => {
  const { client, broker } = await connected();
  const bodies = Array.from({ length: count }, (_, i) => `${i}`);
  broker.answer = ({ request }) =>
    broker.send(frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 10, delivery: 7, bodies })));
  const messages = await client.pop("orders", { max: count });
  broker.answer = (seen) => {
    broker.send(confirm({ request: seen.request, messages: seen.op === Op.PUBLISH ? bodiesOf(seen).length : 1 }));
  };
  return { client, broker, messages };
};

const settlements = (broker: ScriptedBroker): Frame[] =>
  broker.frames.filter(({ op }) => op === Op.ACK || op === Op.NACK || op === Op.TOUCH);

describe("acks of one turn of the event loop", () => {
  it("travel in one frame, neighbours in one selection", async () => {
    const { broker, messages } = await popped(4);
    await Promise.all(messages.map((message) => message.ack()));
    const [ack, ...more] = settlements(broker);
    expect(more).toEqual([]);
    expect(ack?.head).toEqual(["orders"]);
    expect(ack && selectionsOf(ack)).toEqual([[10, 4, 7]]);
  });

  it("travel together though the program awaits something else between them", async () => {
    const { broker, messages } = await popped(3);
    const acks: Promise<void>[] = [];
    for (const message of messages) {
      await Promise.resolve();
      acks.push(message.ack());
    }
    await Promise.all(acks);
    expect(settlements(broker)).toHaveLength(1);
  });

  it("have a frame for each queue", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ op, request }) =>
      broker.send(
        op === Op.POP
          ? frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 10, delivery: 7, bodies: ["a"] }))
          : confirm({ request }),
      );
    const queues = [{}, { queue: "eu" }, { queue: "us" }];
    const messages = (await Promise.all(queues.map((queue) => client.pop("orders", queue)))).flat();
    await Promise.all(messages.map((message) => message.ack()));
    expect(settlements(broker).map(({ head }) => head)).toEqual([["orders"], ["orders", "eu"], ["orders", "us"]]);
  });

  it("are one frame with thousands of messages that are not neighbours, and then another", async () => {
    const { broker, messages } = await popped(3073 * 2);
    await Promise.all(messages.filter((_, i) => i % 2 === 0).map((message) => message.ack()));
    expect(settlements(broker).map((ack) => selectionsOf(ack).length)).toEqual([3072, 1]);
  });

  it("go behind the publishes that were made before them", async () => {
    const { client, broker, messages } = await popped(2);
    const [first, second] = messages;
    const made = [client.publish("copies", "a"), first?.ack(), client.publish("copies", "b"), second?.ack()];
    await Promise.all(made);
    expect(broker.frames.slice(2).map(({ op }) => op)).toEqual([Op.PUBLISH, Op.ACK]);
  });

  it("go behind the publishes even when another settlement ends their frame", async () => {
    const { client, broker, messages } = await popped(2);
    const [first, second] = messages;
    await Promise.all([client.publish("copies", "a"), first?.ack(), second?.nack()]);
    expect(broker.frames.slice(2).map(({ op }) => op)).toEqual([Op.PUBLISH, Op.ACK, Op.NACK]);
  });
});

describe("nack and touch", () => {
  it("tell how, and end the frame of what is settled in another way", async () => {
    const { broker, messages } = await popped(10);
    const acts: ((message: Message) => Promise<void>)[] = [
      (message) => message.nack(),
      (message) => message.nack({ delay: 5 }),
      (message) => message.nack({ delay: 5 }),
      (message) => message.nack({ retry: false }),
      (message) => message.nack({ reason: "no" }),
      (message) => message.nack({ reason: "no" }),
      (message) => message.nack({ reason: new TypeError("odd") }),
      (message) => message.touch({ ttr: 9 }),
      (message) => message.touch(),
      (message) => message.ack(),
    ];
    await Promise.all(messages.map((message, i) => acts[i]?.(message)));
    expect(settlements(broker).map((seen) => [seen.op, seen.head, selectionsOf(seen)])).toEqual([
      [Op.NACK, ["orders"], [[10, 1, 7]]],
      [Op.NACK, ["orders", null, 5], [[11, 2, 7]]],
      [Op.NACK, ["orders", null, null, true], [[13, 1, 7]]],
      [Op.NACK, ["orders", null, null, null, "no"], [[14, 2, 7]]],
      [Op.NACK, ["orders", null, null, null, expect.stringMatching(/^TypeError: odd\n +at /)], [[16, 1, 7]]],
      [Op.TOUCH, ["orders", null, 9], [[17, 1, 7]]],
      [Op.TOUCH, ["orders"], [[18, 1, 7]]],
      [Op.ACK, ["orders"], [[19, 1, 7]]],
    ]);
  });
});

describe("messages that could not be settled", () => {
  it("reject with why, and the others of their frame resolve", async () => {
    const { broker, messages } = await popped(5);
    broker.answer = ({ request }) =>
      broker.send(settled(request, 2, [1, 11, 2, LEASE_LOST], [1, 14, 1, UNKNOWN_MESSAGE]));
    const outcomes = await Promise.allSettled(messages.map((message) => message.ack()));
    expect(outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "done"))).toEqual([
      "done",
      "LEASE_LOST",
      "LEASE_LOST",
      "done",
      "UNKNOWN_MESSAGE",
    ]);
  });

  it("are not unhandled rejections when the program does not look", async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listen);
    const { client, broker, messages } = await popped(3);
    broker.answer = ({ op, request }) =>
      broker.send(op === Op.ACK ? settled(request, 0, [1, 10, 3, LEASE_LOST]) : result(request));
    for (const message of messages.slice(0, 2)) void message.ack();
    await client.ping();
    void messages[2]?.ack();
    const [first] = messages;
    await client.close();
    void first?.ack();
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("are told as they are, whatever else the broker names", async () => {
    const { broker, messages } = await popped(2);
    broker.answer = ({ request }) =>
      broker.send(settled(request, 1, [9, 9, 0xffff_ffff, LEASE_LOST], [1, 11, 0xffff_ffff, LEASE_LOST]));
    const outcomes = await Promise.allSettled(messages.map((message) => message.ack()));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });
});

describe("messages named by their ids", () => {
  it("are settled whoever holds them, and those that were not are named", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(settled(request, 1, [1, 11, 1, UNKNOWN_MESSAGE]));
    const ids = [10, 11].map((low) => formatId(1, low));
    expect(await client.ackById("orders", ids, { queue: "eu" })).toEqual({
      settled: 1,
      faults: [{ id: ids[1], code: "UNKNOWN_MESSAGE" }],
    });
    const ack = await broker.nth(Op.ACK);
    expect(ack.head).toEqual(["orders", "eu"]);
    expect(selectionsOf(ack)).toEqual([[10, 2, 0]]);
  });

  it("are as many as were named, however many the broker tells of", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(settled(request, 0, [1, 10, 0xffff_ffff, UNKNOWN_MESSAGE]));
    const ids = Array.from({ length: 9 }, (_, i) => formatId(1, 10 + i));
    const { faults } = await client.ackById("orders", ids);
    expect(faults.map(({ id }) => id)).toEqual(ids);
  });

  it("are asked for nothing when there are none", async () => {
    const { client, broker } = await connected();
    expect(await client.cancel("orders", [])).toEqual({ settled: 0, faults: [] });
    expect(broker.frames).toHaveLength(1);
    await expect(client.cancel("orders", "x")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("are every dead letter when a re-drive names none", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(confirm({ request, messages: 9 }));
    expect(await client.redrive("orders")).toEqual({ settled: 9, faults: [] });
    const seen = await broker.nth(Op.REDRIVE);
    expect([seen.head, seen.payload.length]).toEqual([["orders"], 0]);
  });
});

describe("a message of a topic that acks by itself", () => {
  it("is acked already and cannot be given back", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) =>
      broker.send(frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 10, delivery: 0, bodies: ["a"] })));
    const [message] = await client.pop("orders");
    expect([message?.isAcked, message?.deadline]).toEqual([true, 0]);
    await message?.ack();
    await expect(message?.nack()).rejects.toMatchObject({ code: "UNKNOWN_MESSAGE" });
    await expect(message?.touch()).rejects.toMatchObject({ code: "UNKNOWN_MESSAGE" });
    expect(settlements(broker)).toEqual([]);
  });
});
