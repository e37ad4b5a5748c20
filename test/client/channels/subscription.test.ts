import { inspect } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { SubscribeOptions } from "../../../src/client/arguments/options.js";
import type { Subscription } from "../../../src/client/channels/subscription.js";
import type { Client } from "../../../src/client/client.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirm, connected, entries, frame, result, type ScriptedBroker } from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

const MAX_MESSAGES = 8192;

const subscribed = async (
  options?: SubscribeOptions,
): Promise<{ client: Client; broker: ScriptedBroker; subscription: Subscription }> => {
  const { client, broker } = await connected();
  broker.answer = ({ op, request }) =>
    broker.send(op === Op.PING ? result(request) : confirm({ request, messages: 3 }));
  return { client, broker, subscription: await client.subscribe("news", options) };
};

const messages = (channel: string, ...bodies: readonly string[]): Buffer =>
  frame(Answer.CHANNEL_MESSAGES, 0, [channel], entries(...bodies));

const take = async (subscription: Subscription, count: number): Promise<[string, number][]> => {
  const taken: [string, number][] = [];
  while (taken.length < count) {
    const { value } = await subscription.next();
    taken.push([value?.text() ?? "end", value?.lost ?? 0]);
  }
  return taken;
};

describe("a subscription", () => {
  it("iterates over the messages of its channel and of no other", async () => {
    const { broker, subscription } = await subscribed();
    const taken = take(subscription, 3);
    broker.send(messages("news", "a", "b"), messages("other", "x"), messages("news", "c"));
    expect((await taken).map(([text]) => text)).toEqual(["a", "b", "c"]);
  });

  it("shares its channel with others of the same client until the last has left", async () => {
    const { client, broker, subscription } = await subscribed({ overflow: "disconnect" });
    const other = await client.subscribe("news");
    expect((await broker.seen(Op.SUBSCRIBE, 2)).map(({ head }) => head)).toEqual([["news", "disconnect"], ["news"]]);
    broker.send(messages("news", "a"));
    expect([await take(subscription, 1), await take(other, 1)]).toEqual([[["a", 0]], [["a", 0]]]);
    await subscription.stop();
    await client.ping();
    expect(broker.frames.filter(({ op }) => op === Op.UNSUBSCRIBE)).toEqual([]);
    await other.return();
    expect((await broker.nth(Op.UNSUBSCRIBE)).head).toEqual(["news"]);
  });

  it("ends when it is stopped, behind what has come", async () => {
    const { client, broker, subscription } = await subscribed();
    broker.send(messages("news", "a"));
    await client.ping();
    await subscription.stop();
    expect((await take(subscription, 2)).map(([text]) => text)).toEqual(["a", "end"]);
  });

  it("rejects when the connection is lost, behind what has come", async () => {
    const { client, broker, subscription } = await subscribed();
    broker.send(messages("news", "a"));
    await client.ping();
    broker.socket.destroy();
    await client.closed;
    expect((await take(subscription, 1)).map(([text]) => text)).toEqual(["a"]);
    await expect(subscription.next()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });
});

describe("a subscription that the broker has lost", () => {
  const SHARD_RESTARTED = 28;
  const gone = (request: number): Buffer =>
    frame(Answer.CONSUMER_CLOSED, request, [SHARD_RESTARTED, "the shard was restarted"]);
  const restarted = { code: "SHARD_RESTARTED", retryable: true };

  it("rejects with why, behind what has come, and leaves nothing to unsubscribe", async () => {
    const { client, broker, subscription } = await subscribed();
    const { request } = await broker.nth(Op.SUBSCRIBE);
    broker.send(messages("news", "a"), gone(request), messages("news", "b"));
    expect(await subscription.closed).toMatchObject(restarted);
    expect((await take(subscription, 1)).map(([text]) => text)).toEqual(["a"]);
    await expect(subscription.next()).rejects.toMatchObject(restarted);
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    await subscription.stop();
    const again = await client.subscribe("news");
    broker.send(messages("news", "c"));
    expect((await take(again, 1)).map(([text]) => text)).toEqual(["c"]);
    expect(broker.frames.filter(({ op }) => op === Op.UNSUBSCRIBE)).toEqual([]);
  });

  it("takes with it all others to its channel, by the number of the last, and none to another", async () => {
    const { client, broker, subscription } = await subscribed();
    const second = await client.subscribe("news");
    const other = await client.subscribe("weather");
    const third = await client.subscribe("news");
    const { request } = await broker.nth(Op.SUBSCRIBE, 4);
    // The last subscriber has left, but the broker still uses the number of its SUBSCRIBE.
    await third.stop();
    broker.send(gone(request), messages("weather", "rain"));
    for (const ended of [subscription, second]) expect(await ended.closed).toMatchObject(restarted);
    expect((await take(other, 1)).map(([text]) => text)).toEqual(["rain"]);
  });

  it("does not take with it one that is confirmed later", async () => {
    const { client, broker, subscription } = await subscribed();
    const { request } = await broker.nth(Op.SUBSCRIBE);
    broker.answer = (seen) => broker.send(gone(request), confirm({ request: seen.request }), messages("news", "a"));
    const later = await client.subscribe("news");
    expect(await subscription.closed).toMatchObject(restarted);
    expect((await take(later, 1)).map(([text]) => text)).toEqual(["a"]);
    const { request: second } = await broker.nth(Op.SUBSCRIBE, 2);
    broker.send(gone(second));
    expect(await later.closed).toMatchObject(restarted);
  });

  it("ends even if that comes in one piece with its confirmation", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(confirm({ request }), gone(request));
    const subscription = await client.subscribe("news");
    await expect(subscription.next()).rejects.toMatchObject(restarted);
  });

  it("may have been left in the same moment", async () => {
    const { client, broker, subscription } = await subscribed();
    const { request } = await broker.nth(Op.SUBSCRIBE);
    await subscription.stop();
    broker.send(gone(request));
    await client.ping();
    expect(await subscription.closed).toBeUndefined();
  });
});

describe("what a subscription loses", () => {
  it("in the broker it is told in band", async () => {
    const losses: number[] = [];
    const { client, broker, subscription } = await subscribed({ onLost: (count) => losses.push(count) });
    const lost = frame(Answer.CHANNEL_LOST, 0, ["news", 5]);
    broker.send(messages("news", "a"), lost, messages("news", "b", "c"));
    await client.ping();
    expect([subscription.lost, losses]).toEqual([5, [5]]);
    expect(await take(subscription, 3)).toEqual([
      ["a", 0],
      ["b", 5],
      ["c", 0],
    ]);
  });

  it("here it is told in band as well: the oldest go", async () => {
    const { client, broker, subscription } = await subscribed();
    const many = Array.from({ length: MAX_MESSAGES }, (_, i) => `${i}`);
    broker.send(messages("news", "x", "y", "z"), messages("news", ...many));
    await client.ping();
    expect([subscription.buffered, subscription.lost]).toEqual([MAX_MESSAGES, 3]);
    expect(await take(subscription, 2)).toEqual([
      ["0", 3],
      ["1", 0],
    ]);
  });

  it("is counted in bytes as well, but never the last message", async () => {
    const { client, broker, subscription } = await subscribed();
    const big = "x".repeat(3 * 1024 * 1024);
    broker.send(messages("news", "a", big), messages("news", big), messages("news", big + big));
    await client.ping();
    expect([subscription.buffered, subscription.lost]).toEqual([1, 3]);
    expect((await take(subscription, 1))[0]?.[1]).toBe(3);
  });

  it("ends it when that is its policy", async () => {
    const { client, broker, subscription } = await subscribed({ overflow: "disconnect" });
    const many = Array.from({ length: MAX_MESSAGES + 1 }, (_, i) => `${i}`);
    broker.send(messages("news", ...many));
    await client.ping();
    expect(await subscription.closed).toMatchObject({ code: "SLOW_SUBSCRIBER" });
    await expect(subscription.next()).rejects.toMatchObject({ code: "SLOW_SUBSCRIBER" });
    await broker.nth(Op.UNSUBSCRIBE);
  });
});

describe("an onLost that fails", () => {
  const fails = (error: unknown) => (): never => {
    throw error;
  };
  const boom = new Error("boom");
  /** Throws again when the console inspects it. */
  const shy = Object.assign(new Error("shy"), { [inspect.custom]: fails(new Error("not shown")) });

  it.each([
    ["by throwing", fails(boom), boom],
    ["by a promise that rejects", async () => fails(boom)(), boom],
    ["by what cannot be awaited", () => new Proxy({}, { get: fails(boom) }) as never, boom],
    ["with what cannot be shown", fails(shy), '"shy"'],
  ])("%s is printed each time, and nothing ends", async (_, onLost, printed) => {
    const unhandled = unhandledRejections();
    const lines: unknown[][] = [];
    const printing = vi.spyOn(console, "error").mockImplementation((...line) => {
      // As the console does, which inspects all of them.
      inspect(line);
      lines.push(line);
    });
    onTestFinished(() => printing.mockRestore());
    const { client, broker, subscription } = await subscribed({ onLost });
    const lost = frame(Answer.CHANNEL_LOST, 0, ["news", 5]);
    broker.send(lost, messages("news", "a"));
    await client.ping();
    broker.send(lost, messages("news", "b"));
    await client.ping();
    await new Promise((resolve) => setImmediate(resolve));
    const line = ["ringmq: onLost of a subscription failed:", printed];
    expect([lines, unhandled]).toEqual([[line, line], []]);
    expect(subscription.lost).toBe(10);
    expect(await take(subscription, 2)).toEqual([
      ["a", 5],
      ["b", 5],
    ]);
  });
});

describe("publishes to a channel", () => {
  it("of one turn travel in one frame and tell who was reached", async () => {
    const { client, broker } = await subscribed();
    const receipts = ["a", "b"].map((body) => client.publishToChannel("news", body));
    const other = client.publishToChannel("weather", "c");
    expect(await Promise.all([...receipts, other])).toEqual([3, 3, 3].map((subscribers) => ({ subscribers })));
    expect((await broker.seen(Op.PUBLISH_CHANNEL, 2)).map(bodiesOf)).toEqual([["a", "b"], ["c"]]);
  });
});
