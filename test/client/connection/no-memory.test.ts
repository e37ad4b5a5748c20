/**
 * Requests that there is no memory for. Where possible only they fail, and nothing is left waiting.
 */
import { describe, expect, it, vi } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import type { Client } from "../../../src/client/client.js";
import { FrameWriter } from "../../../src/protocol/frame.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirming, connected, frame, result, runs } from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

/** Makes writing frames fail until the returned function is called. */
const exhaust = (method: "reserve" | "append"): (() => void) => {
  const spy = vi.spyOn(FrameWriter.prototype, method).mockImplementation(() => {
    throw new RangeError("Array buffer allocation failed");
  });
  return () => spy.mockRestore();
};

describe("a frame that there is no memory for", () => {
  it("is taken back, and the one that grows goes without the message", async () => {
    const unhandled = unhandledRejections();
    const { client, broker } = await connected();
    confirming(broker);
    const before = client.publish("t", "a");
    const refused: Promise<unknown>[] = [];
    const restore = exhaust("reserve");
    refused.push(client.publish("t", "b"), client.publish("u", "c"), client.publishBatch("t", ["d"]));
    restore();
    const after = client.publish("t", "e");
    for (const promise of refused) await expect(promise).rejects.toBeInstanceOf(RingmqError);
    await Promise.all([before, after]);
    expect(broker.frames.filter(({ op }) => op === Op.PUBLISH).map(bodiesOf)).toEqual([["a", "e"]]);
    expect([client.pendingBytes, unhandled]).toEqual([0, []]);
  });

  it("is nobody's request", async () => {
    const { client, broker } = await connected();
    const refused: Promise<unknown>[] = [];
    const restore = exhaust("reserve");
    refused.push(client.ping(), client.stats("t"), client.ackById("t", "1"), client.consume("t"));
    restore();
    for (const promise of refused) await expect(promise).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    expect(client.pendingBytes).toBe(0);
    broker.answer = ({ request }) => broker.send(result(request));
    await client.ping();
    await client.drain();
    expect(broker.frames.map(({ op }) => op)).toEqual([Op.HELLO, Op.PING]);
  });
});

describe("acks that there is no memory for", () => {
  it("are refused, and not left waiting", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) =>
      broker.send(frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 10, delivery: 7, bodies: ["a", "b"] })));
    const messages = await client.pop("t", { max: 2 });
    const restore = exhaust("reserve");
    const outcomes = await Promise.allSettled(messages.map((message) => message.ack()));
    restore();
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: "BAD_ARGUMENT" } });
    expect(outcomes).toHaveLength(2);
  });
});

describe("what grows when its frame breaks the connection", () => {
  it("is told so", async () => {
    const { client } = await connected();
    // They are sealed by the flush, which fails at the first one.
    const restore = exhaust("append");
    const waiting: Promise<unknown>[] = [
      client.publish("t", "a"),
      client.publish("u", "b"),
      client.publishToChannel("c", "d"),
    ];
    const outcomes = await Promise.allSettled(waiting);
    restore();
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: "CONNECTION_CLOSED" } });
  });

  it.each<readonly [string, (client: Client) => Promise<unknown>]>([
    ["a request", (client) => client.ping()],
    ["a batch", (client) => client.publishBatch("t", ["x"])],
    ["a message with other options", (client) => client.publish("t", "x", { delay: 5 })],
    ["a settlement", (client) => client.ackById("t", "1")],
  ])("is told so, and so is %s that comes behind it", async (_, act) => {
    const { client } = await connected();
    const first = client.publish("t", "a");
    const restore = exhaust("append");
    const outcomes = await Promise.allSettled([first, act(client)]);
    restore();
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: "CONNECTION_CLOSED" } });
  });
});
