/** A subscription that says where it begins: its credit, and how it goes on. */
import { describe, expect, it } from "vitest";
import type { Resumption, SubscribeOptions } from "../../../src/client/arguments/options.js";
import type { Subscription } from "../../../src/client/channels/subscription.js";
import type { Client } from "../../../src/client/client.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { confirm, connected, entries, error, frame, result, type ScriptedBroker } from "../scripted-broker.js";

const EPOCH = "77";

const begun = (rest: object = {}): object => ({ subscribers: 1, epoch: EPOCH, position: 5, kept: false, ...rest });

const messages = (position: number, ...bodies: readonly string[]): Buffer =>
  frame(Answer.CHANNEL_MESSAGES, 0, ["news", position], entries(...bodies));

const restarted = (request: number): Buffer =>
  frame(Answer.CONSUMER_CLOSED, request, [ERRORS.SHARD_RESTARTED.code, "the shard was restarted"]);

/** Answers the n-th SUBSCRIBE with the n-th of `answers`: a RESULT, or an error's name. */
const answering =
  (broker: ScriptedBroker, ...answers: readonly (object | keyof typeof ERRORS)[]) =>
  ({ op, request }: { readonly op: number; readonly request: number }): void => {
    if (op === Op.PING) return broker.send(result(request));
    if (op !== Op.SUBSCRIBE) return request === 0 ? undefined : broker.send(confirm({ request }));
    const answer = answers[broker.frames.filter((each) => each.op === Op.SUBSCRIBE).length - 1] ?? begun();
    if (typeof answer === "object") return broker.send(result(request, answer));
    const { code, retryable, closes } = ERRORS[answer];
    return broker.send(error(request, code, answer, retryable, closes));
  };

interface Followed {
  readonly client: Client;
  readonly broker: ScriptedBroker;
  readonly subscription: Subscription;
}

const followed = async (
  options: SubscribeOptions,
  ...answers: Parameters<typeof answering>[1][]
): Promise<Followed> => {
  const { client, broker } = await connected();
  broker.answer = answering(broker, ...answers);
  return { client, broker, subscription: await client.subscribe("news", options) };
};

const take = async (subscription: Subscription, count: number): Promise<string[]> => {
  const taken: string[] = [];
  while (taken.length < count) {
    const { value } = await subscription.next();
    taken.push(value === undefined ? "end" : `${value.position} ${value.text()} ${value.lost}`);
  }
  return taken;
};

const headOf = async (broker: ScriptedBroker, count = 1): Promise<readonly unknown[]> =>
  (await broker.nth(Op.SUBSCRIBE, count)).head;

describe("where it begins", () => {
  it.each<[SubscribeOptions, object]>([
    [{ from: "now" }, { from: "now", credit: 16 }],
    [
      { from: "start", credit: 100 },
      { from: "start", credit: 100 },
    ],
    [{ from: new Date(1_700_000_000_000) }, { from: 1_700_000_000_000, credit: 16 }],
    [{ from: { position: 3 } }, { position: 3, credit: 16 }],
    [{ from: { position: 3, epoch: "0088" } }, { position: 3, epoch: "88", credit: 16 }],
    [{ recover: true }, { from: "now", recover: true, credit: 16 }],
    [{ credit: "auto" }, { from: "now", credit: 16 }],
  ])("%j", async (options, sent) => {
    const { broker } = await followed(options);
    expect(await headOf(broker)).toEqual(["news", null, sent]);
  });

  it.each<[string, object]>([
    ["from must be", { from: "yesterday" }],
    ["from must be a valid Date", { from: new Date(Number.NaN) }],
    ["from.position must be", { from: { epoch: EPOCH } }],
    ["from.position must be", { from: { position: -1 } }],
    ["from.epoch must be", { from: { position: 1, epoch: "x" } }],
    ["credit must be", { credit: 0 }],
    ["recover must be", { recover: 1 }],
    ["overflow must be", { overflow: "drop" }],
    ["onResumed must be", { onResumed: 1 }],
  ])("is refused: %s", async (text, options) => {
    const { client } = await connected();
    await expect(client.subscribe("news", options as SubscribeOptions)).rejects.toMatchObject({
      code: "BAD_ARGUMENT",
      message: expect.stringContaining(text),
    });
  });

  it("is told, with what the messages are", async () => {
    const { broker, subscription } = await followed({ from: "start" }, begun({ position: 0, kept: true }));
    expect([subscription.epoch, subscription.position, subscription.kept]).toEqual([EPOCH, 0, true]);
    const head = ["news", 2, 5, 8];
    broker.send(frame(Answer.CHANNEL_LOST, 0, ["news", 2]), frame(Answer.CHANNEL_MESSAGES, 0, head, entries("a", "b")));
    await take(subscription, 1);
    expect([subscription.position, subscription.lost, subscription.buffered]).toEqual([3, 2, 1]);
    const { value: last } = await subscription.next();
    expect(last?.toJSON()).toMatchObject({ position: 3, epoch: EPOCH, id: String(5n * 2n ** 32n + 9n), body: "b" });
    expect(last?.time).toBe(Date.UTC(2024, 0, 1) + 5 * 1024);
    expect(subscription.position).toBe(4);
  });

  it("is where the next one goes on when the program leaves: behind what it has read, whatever has come", async () => {
    const { client, broker, subscription } = await followed({ from: "start" });
    broker.send(messages(5, "a", "b", "c"));
    await client.ping();
    for await (const message of subscription) if (message.text() === "a") break;
    expect([subscription.epoch, subscription.position, subscription.buffered]).toEqual([EPOCH, 6, 0]);
  });

  it("is that of a program that comes back: what is missing is told with the first message", async () => {
    const lost: number[] = [];
    const options = { from: { position: 1, epoch: EPOCH }, onLost: (count: number) => void lost.push(count) };
    const { broker, subscription } = await followed(options, begun({ recovered: false, lost: 4 }));
    broker.send(messages(5, "a"));
    expect(await take(subscription, 1)).toEqual(["5 a 4"]);
    expect([subscription.recovered, subscription.lost, lost]).toEqual([false, 4, [4]]);
  });
});

describe("its channel", () => {
  it("is its own: no other subscription of the client can have it, until it is left", async () => {
    const { client, subscription } = await followed({ from: "now" });
    const taken = { code: "BAD_ARGUMENT", message: expect.stringContaining("use another client") };
    await expect(client.subscribe("news")).rejects.toMatchObject(taken);
    await expect(client.subscribe("news", { from: "start" })).rejects.toMatchObject(taken);
    await subscription.stop();
    await client.subscribe("news", { overflow: "block" });
  });

  it("is not had by others before it", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(confirm({ request }));
    await client.subscribe("news");
    await expect(client.subscribe("news", { recover: true })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("brings it nothing that was sent to the subscription before it", async () => {
    const { client, broker, subscription } = await followed({ from: "start" });
    broker.answer = ({ op, request }) => {
      if (op === Op.UNSUBSCRIBE) broker.send(messages(5, "old"), confirm({ request }), messages(6, "old"));
      if (op === Op.SUBSCRIBE) broker.send(result(request, begun({ position: 9 })), messages(9, "new"));
    };
    void subscription.stop();
    const next = await client.subscribe("news", { from: "now" });
    expect(await take(next, 1)).toEqual(["9 new 0"]);
  });
});

describe("its credit", () => {
  it("is given back when half of it is read, and nothing is dropped here", async () => {
    const { client, broker, subscription } = await followed({ credit: 4 });
    broker.send(messages(5, "a", "b", "c", "d"));
    await take(subscription, 1);
    await client.ping();
    expect(broker.frames.filter(({ op }) => op === Op.CHANNEL_CREDIT)).toEqual([]);
    await take(subscription, 1);
    expect((await broker.nth(Op.CHANNEL_CREDIT)).head).toEqual(["news", 2]);
  });

  it("is by itself as much as has about 4 MiB", async () => {
    const { broker, subscription } = await followed({ from: "now" });
    const small = Array.from({ length: 16 }, () => "x");
    broker.send(messages(5, ...small));
    await take(subscription, 8);
    // 8 are open: 4,096 in all.
    expect((await broker.nth(Op.CHANNEL_CREDIT)).head).toEqual(["news", 4088]);
    const large = "x".repeat(128 * 1024);
    for (let i = 0; i < 17; i++) broker.send(messages(21 + i * 120, ...Array.from({ length: 120 }, () => large)));
    await take(subscription, 8 + 2040);
    // 2,048 of 4,096 are still open, and that is too many now.
    expect(broker.frames.filter(({ op }) => op === Op.CHANNEL_CREDIT)).toHaveLength(1);
    await subscription.return();
  });
});

describe("when its shard was restarted", () => {
  it("it goes on where it was, and tells so", async () => {
    const resumptions: Resumption[] = [];
    const onResumed = (resumption: Resumption): void => void resumptions.push(resumption);
    const { client, broker, subscription } = await followed(
      { from: "start", recover: true, credit: 4, overflow: "drop-newest", onResumed },
      begun(),
      begun({ position: 7, recovered: true, lost: 0 }),
    );
    const { request } = await broker.nth(Op.SUBSCRIBE);
    broker.send(messages(5, "a", "b"), restarted(request));
    // Two are unread: there is room for two more.
    const options = { position: 7, epoch: EPOCH, recover: true, credit: 2 };
    expect(await headOf(broker, 2)).toEqual(["news", "drop-newest", options]);
    broker.send(messages(7, "c"));
    expect(await take(subscription, 3)).toEqual(["5 a 0", "6 b 0", "7 c 0"]);
    expect(resumptions).toEqual([{ epoch: EPOCH, position: 7, recovered: true, lost: 0 }]);
    expect(subscription.recovered).toBe(true);
    // The number of the second SUBSCRIBE is that of the subscription now.
    broker.send(restarted((await broker.nth(Op.SUBSCRIBE, 2)).request));
    await broker.nth(Op.SUBSCRIBE, 3);
    await client.ping();
  });

  it("it asks until the shard is there, and counts what is known to be lost", async () => {
    const { broker, subscription } = await followed(
      { from: "now" },
      begun(),
      "SHARD_RESTARTED",
      "BUSY",
      begun({ position: 9, recovered: false, lost: 4 }),
    );
    broker.send(restarted((await broker.nth(Op.SUBSCRIBE)).request));
    await broker.nth(Op.SUBSCRIBE, 4);
    broker.send(messages(9, "a"));
    expect(await take(subscription, 1)).toEqual(["9 a 4"]);
    expect([subscription.recovered, subscription.lost]).toEqual([false, 4]);
  });

  it("a channel that has begun again is told by its epoch: nobody knows how much is lost", async () => {
    const resumptions: Resumption[] = [];
    const { broker, subscription } = await followed(
      { from: "now", onResumed: (resumption) => void resumptions.push(resumption) },
      begun(),
      begun({ epoch: "78", position: 0, recovered: false, lost: null }),
    );
    broker.send(messages(5, "a"), restarted((await broker.nth(Op.SUBSCRIBE)).request));
    await broker.nth(Op.SUBSCRIBE, 2);
    broker.send(messages(0, "b"));
    const [before, after] = [await subscription.next(), await subscription.next()];
    expect([before.value?.epoch, after.value?.epoch, after.value?.lost]).toEqual([EPOCH, "78", 0]);
    expect(resumptions).toEqual([{ epoch: "78", position: 0, recovered: false, lost: undefined }]);
  });

  it("it ends when the shard stays down", async () => {
    const { client, broker, subscription } = await followed({ from: "now" }, begun(), "SHARD_DOWN", begun());
    broker.send(restarted((await broker.nth(Op.SUBSCRIBE)).request));
    await expect(subscription.next()).rejects.toMatchObject({ code: "SHARD_DOWN" });
    // Nothing of it is left.
    await client.subscribe("news", { from: "now" });
  });

  it("it can be left meanwhile", async () => {
    const { client, broker, subscription } = await followed({ from: "now" }, begun(), "BUSY", "BUSY");
    broker.send(restarted((await broker.nth(Op.SUBSCRIBE)).request));
    await broker.nth(Op.SUBSCRIBE, 2);
    await subscription.return();
    await client.ping();
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    expect(await subscription.closed).toBeUndefined();
  });
});

describe("publishes to a channel", () => {
  it("with other keys travel in other frames, in order, and tell their ids where they are kept", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(confirm({ request, high: 1, low: request * 10, messages: 2 }));
    const sent = [
      ["a", "x"],
      ["b", "x"],
      ["c", undefined],
      ["d", "y"],
    ] as const;
    const receipts = await Promise.all(sent.map(([body, key]) => client.publishToChannel("news", body, { key })));
    const frames = await broker.seen(Op.PUBLISH_CHANNEL, 3);
    expect(frames.map(({ head }) => head)).toEqual([["news", "x"], ["news"], ["news", "y"]]);
    const first = 2n ** 32n + BigInt((frames[0]?.request ?? 0) * 10);
    expect(receipts[1]).toEqual({ subscribers: 2, id: String(first + 1n), durability: "write" });
    await expect(client.publishToChannel("news", "e", { key: "k".repeat(300) })).rejects.toThrow(/^key must be/);
  });
});
