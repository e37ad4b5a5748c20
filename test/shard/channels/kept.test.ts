/** Kept channels: replay, retention, configuration, deletion, and a restart. */
import { beforeEach, describe, expect, it } from "vitest";
import { Durability } from "../../../src/protocol/op.js";
import type { ShardOptions } from "../../../src/shard/shard.js";
import { CHANNEL_DEFAULTS } from "../../../src/shard/topics/channel-defaults.js";
import { ChannelsByHand, type Seen } from "./by-hand.js";

/** Long commands take steps of a few extents. */
const OPTIONS: Partial<ShardOptions> = { stepExtents: 8 };

let channels: ChannelsByHand;

beforeEach(() => {
  channels = new ChannelsByHand(OPTIONS);
  channels.configure("c", { keep: true });
});

const positions = (seen: readonly Seen[]): number[] => seen.flatMap((each) => ("lost" in each ? [] : [each.position]));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("a subscriber of a kept channel", () => {
  it("reads from the start and follows, without a gap and without a double", () => {
    for (let i = 0; i < 500; i++) channels.publish("c", 1 + (i % 3));
    const { next } = channels.stats("c") as { next: number };
    expect(channels.subscribe("c", 1, { from: "start" })).toMatchObject({ position: 0, kept: true });
    channels.publish("c", 5);
    channels.settle();
    channels.publish("c", 5);
    const seen = channels.take(1);
    expect(positions(seen)).toEqual(range(0, next + 10));
    expect(seen.every((each) => "body" in each && each.body === String(each.position))).toBe(true);
  });

  it("gets frames with ids, as many messages in one as have consecutive ones", () => {
    const [first] = channels.publish("c", 2);
    for (let i = 0; i < 50; i++) channels.publish("c", 2);
    channels.commit();
    channels.subscribe("c", 1, { from: "start" });
    channels.by.shard.turn(channels.by.now);
    const frames = channels.by.recorder.take().filter(({ kind }) => kind === "channelMessages");
    expect(frames).toMatchObject([{ id: first?.kind === "confirm" ? first.id : 0n, position: 0, isDurable: true }]);
  });

  it("begins at a position, in the middle of a batch, or at a time", () => {
    for (let i = 0; i < 300; i++) {
      channels.by.now += 10;
      channels.publish("c", 3);
    }
    const now = channels.by.now;
    channels.subscribe("c", 1, { position: 571 });
    channels.subscribe("c", 2, { from: now - 1000 });
    channels.subscribe("c", 3, { from: now + 1 });
    channels.settle();
    expect(positions(channels.take(1))).toEqual(range(571, 900));
    expect(positions(channels.take(2))).toEqual(range(900 - 303, 900));
    expect(channels.told(3)).toBe("");
  });

  it("is sent what its credit allows", () => {
    for (let i = 0; i < 5; i++) channels.publish("c", 100);
    channels.subscribe("c", 1, { from: "start", credit: 0 });
    for (const credit of [1, 1, 98, 150, 1]) channels.credit("c", 1, credit);
    expect(positions(channels.take(1))).toEqual(range(0, 251));
    channels.credit("c", 1, 1000);
    channels.publish("c", 1);
    channels.settle();
    expect(positions(channels.take(1))).toEqual(range(251, 501));
  });

  it("waits for the disk", () => {
    channels.subscribe("c", 1, { from: "start" });
    channels.settle();
    channels.publish("c");
    channels.subscribe("c", 2, { from: "start" });
    channels.by.shard.turn(channels.by.now);
    expect(channels.by.recorder.take()).toMatchObject([
      { kind: "channelMessages", connections: [2], isDurable: false },
    ]);
    channels.commit();
    channels.subscribe("c", 3, { from: "start" });
    channels.by.shard.turn(channels.by.now);
    expect(channels.by.recorder.take()).toMatchObject([{ kind: "channelMessages", connections: [3], isDurable: true }]);
  });

  it("waits for the disk when it conflates, too", () => {
    channels.subscribe("c", 1, { credit: 10 }, "conflate");
    channels.settle();
    channels.publish("c");
    channels.by.shard.turn(channels.by.now);
    expect(channels.by.recorder.take()).toMatchObject([{ kind: "channelMessages", position: 0, isDurable: false }]);
  });

  it("waits while much else is on its way to clients", () => {
    let isCrowded = true;
    channels = new ChannelsByHand({ ...OPTIONS, isCrowded: () => isCrowded });
    channels.configure("c", { keep: true });
    channels.publish("c");
    channels.commit();
    channels.subscribe("c", 1, { from: "start" });
    const { by } = channels;
    expect(by.shard.turn(by.now)).toBe(by.now + 1);
    expect(by.recorder.take()).toEqual([]);
    isCrowded = false;
    channels.settle();
    expect(channels.told(1)).toBe("0:0");
  });

  it("shares what is read back from disk with others who need it", () => {
    const { pages } = channels.by.shard.store.log;
    const names = range(0, 50).map((i) => `c${i}`);
    for (const name of names) channels.configure(name, { keep: true });
    for (let round = 0; round < 4; round++) for (const name of names) channels.publish(name, 1, { size: 2000 });
    channels.commit();
    const copies = new Map(pages.list.map((page) => [page?.offset ?? -1, page?.bytes.slice(0, page.used)]));
    pages.source = { read: (_, offset, into) => into.set(copies.get(offset) ?? []) };
    // One page at a time.
    pages.pressure = () => Number.POSITIVE_INFINITY;
    pages.evict(Number.POSITIVE_INFINITY);
    for (const name of names) channels.subscribe(name, 1, { from: "start" });
    channels.settle();
    expect(channels.take(1)).toHaveLength(200);
    expect(pages.scans).toBeLessThan(2 * pages.list.length);
  });

  it("conflates and blocks only once it has caught up", () => {
    for (let i = 0; i < 10; i++) channels.publish("c", 1, { key: "a" });
    channels.subscribe("c", 1, { from: "start" }, "conflate");
    channels.settle();
    expect(positions(channels.take(1))).toEqual(range(0, 10));
    channels.hold(1);
    for (let i = 0; i < 10; i++) channels.publish("c", 1, { key: "a" });
    channels.unhold(1);
    expect(channels.told(1)).toBe("19:19");
    channels.subscribe("c", 2, { from: "start", credit: 0 }, "block");
    for (let i = 0; i < 20; i++) channels.publish("c", 1000);
    expect(channels.confirmed.length).toBe(40);
  });
});

describe("retention", () => {
  it("by count and by bytes is exact", () => {
    channels.configure("c", { maxMessages: 10 });
    channels.publish("c", 25);
    expect(channels.stats("c")).toMatchObject({ first: 15, next: 25, messages: 10, dropped: 15 });
    channels.publish("c", 3);
    expect(channels.stats("c")).toMatchObject({ first: 18, messages: 10 });
    channels.configure("c", { maxMessages: 0, maxBytes: 44 });
    channels.publish("c");
    expect(channels.stats("c")).toMatchObject({ first: 24, messages: 5, bytes: 40 });
  });

  it("leaves nothing behind of what is gone, though nobody reads", () => {
    channels.configure("c", { maxMessages: 10 });
    for (let i = 0; i < 10_000; i++) channels.publish("c");
    expect(channels.by.shard.directory.findChannel("c")?.index.size).toBeLessThan(130);
  });

  it("by age takes whole batches, soon after their time", () => {
    channels.configure("c", { maxAge: 8_000 });
    channels.publish("c", 5);
    channels.by.wait(4_000);
    channels.publish("c", 5);
    channels.by.wait(3_900);
    expect(channels.stats("c")).toMatchObject({ first: 0, messages: 10 });
    channels.by.wait(1_200);
    expect(channels.stats("c")).toMatchObject({ first: 5, messages: 5 });
    channels.by.wait(5_000);
    expect(channels.stats("c")).toMatchObject({ first: 10, next: 10, messages: 0 });
  });

  it("tells who is behind how much is gone, or disconnects it", () => {
    channels.configure("c", { maxMessages: 10 });
    channels.subscribe("c", 1);
    channels.subscribe("c", 2, undefined, "disconnect");
    channels.hold(1);
    channels.hold(2);
    for (let i = 0; i < 5; i++) channels.publish("c", 5);
    channels.unhold(1);
    channels.unhold(2);
    expect(channels.told(1)).toBe("-15 15:15 16:16 17:17 18:18 19:19 20:20 21:21 22:22 23:23 24:24");
    expect(channels.closed).toEqual([2]);
  });

  it("that is lowered is carried out in turns", () => {
    for (let i = 0; i < 100; i++) channels.publish("c", 3);
    channels.configure("c", { maxMessages: 4 });
    channels.settle();
    channels.by.wait(60_000);
    expect(channels.stats("c")).toMatchObject({ messages: 4, first: 296 });
  });

  it("overtakes a subscriber in the middle of a batch", () => {
    channels.configure("c", { maxMessages: 100 });
    channels.publish("c", 100);
    channels.subscribe("c", 1, { from: "start", credit: 30 });
    channels.settle();
    channels.publish("c", 50);
    channels.credit("c", 1, 1000);
    const seen = channels.take(1);
    expect(positions(seen)).toEqual([...range(0, 30), ...range(50, 150)]);
    expect(seen[30]).toEqual({ lost: 20 });
  });
});

describe("configuring and deleting", () => {
  it("begins to keep what is published from then on, and those who are behind get all", () => {
    channels.subscribe("d", 1);
    channels.subscribe("d", 2, undefined, "block");
    channels.hold(1);
    channels.hold(2);
    channels.publish("d", 2);
    channels.configure("d", { keep: true });
    channels.publish("d", 2);
    channels.unhold(1);
    channels.unhold(2);
    expect([channels.told(1), channels.told(2)]).toEqual(["0:0 1:1 2:2 3:3", "0:0 1:1 2:2 3:3"]);
    channels.subscribe("d", 3, { from: "start" });
    channels.settle();
    expect(channels.told(3)).toBe("2:2 3:3");
  });

  it("leaves the latest of each key to those who conflate", () => {
    channels.subscribe("d", 1, undefined, "conflate");
    channels.hold(1);
    channels.publish("d", 1, { key: "a" });
    channels.publish("d", 1, { key: "a" });
    channels.configure("d", { keep: true });
    channels.publish("d", 1, { key: "b" });
    channels.unhold(1);
    expect(channels.told(1)).toBe("1:1 2:2");
  });

  it("tells of what was published while it was not kept, though nothing is published behind that", () => {
    for (let i = 0; i < 50; i++) channels.publish("c");
    const end = { op: "configureChannel", connection: 9, request: 1, channel: "c", config: { keep: false } } as const;
    expect(channels.by.shard.apply(end, channels.by.now)).toBe(false);
    channels.publish("c", 3);
    channels.configure("c", { keep: true });
    expect(channels.by.shard.apply(end, channels.by.now)).toBe(true);
    channels.subscribe("c", 1, { from: "start" });
    channels.settle();
    const seen = channels.take(1);
    const { epoch } = channels.stats("c") as { epoch: string };
    expect(seen.at(-1)).toEqual({ lost: 3 });
    expect(channels.subscribe("c", 2, { position: 52, epoch })).toMatchObject({ recovered: false });
    expect(channels.subscribe("c", 2, { position: 53, epoch })).toMatchObject({ recovered: true });
    expect(positions(seen).at(-1)).toBe(49);
    channels.publish("c");
    expect(channels.told(1)).toBe("53:53");
  });

  it("leaves those that conflate what they have missed", () => {
    channels.subscribe("d", 1, undefined, "conflate");
    channels.hold(1);
    for (const keep of [true, false, true]) {
      channels.publish("d", 1, { key: String(keep) });
      channels.configure("d", { keep });
    }
    channels.publish("d", 1, { key: "last" });
    channels.unhold(1);
    expect(channels.told(1)).toBe("1:1 2:2 3:3");
  });

  it("drops what is kept when it ends, in steps", () => {
    for (let i = 0; i < 50; i++) channels.publish("c");
    channels.subscribe("c", 1, { from: "start", credit: 3 });
    channels.settle();
    channels.subscribe("c", 2);
    expect(channels.configure("c", { keep: false })).toMatchObject({ keep: false });
    channels.publish("c");
    channels.credit("c", 1, 1000);
    expect(channels.told(1)).toBe("0:0 1:1 2:2 -47 50:50");
    expect(channels.told(2)).toBe("50:50");
    expect(channels.stats("c")).toMatchObject({ kept: false, messages: 0, first: 51 });
  });

  it("tells those who have begun at its start, and have not been sent a thing, what they lose by its end", () => {
    channels.publish("c", 3);
    channels.subscribe("c", 1, { from: "start" });
    channels.configure("c", { keep: false });
    channels.publish("c");
    expect(channels.told(1)).toBe("-3 3:3");
  });

  it("forgets all but how positions go on for those who are there", () => {
    for (let i = 0; i < 30; i++) channels.publish("c", 2);
    channels.subscribe("c", 1);
    expect(channels.delete("c")).toMatchObject([{ kind: "confirm", messages: 60 }]);
    channels.publish("c");
    expect(channels.told(1)).toBe("60:60");
    channels.unsubscribe("c", 1);
    expect(channels.delete("c")).toMatchObject([{ kind: "fail", error: "NO_TOPIC" }]);
    expect(channels.by.shard.store.directoryBytes).toBe(0);
    expect(channels.by.shard.store.extents.live).toBe(0);
  });

  it("lists channels by name, whether anybody is there or not", () => {
    channels.subscribe("e", 1);
    channels.subscribe("b", 1);
    channels.configure("a", { history: 5 });
    const list = (after: string, max: number): unknown => {
      const [effect] = channels.by.ask({ op: "channels", after, max });
      const [stats, more] = (effect?.kind === "result" ? effect.value : []) as [{ name: string }[], boolean];
      return [stats.map(({ name }) => name), more];
    };
    expect([list("", 2), list("b", 2)]).toEqual([
      [["a", "b"], true],
      [["c", "e"], false],
    ]);
  });

  it("keeps every channel in a broker that does, and forgets those that stay empty", () => {
    const keeper = new ChannelsByHand({ channelDefaults: { keep: true, maxAge: 1000 } });
    keeper.publish("x", 3);
    expect(keeper.stats("x")).toMatchObject({ kept: true, messages: 3 });
    keeper.by.wait(100_000);
    expect(keeper.by.ask({ op: "channelStats", channel: "x" })).toMatchObject([{ kind: "fail", error: "NO_TOPIC" }]);
  });
});

describe("a publish that is refused", () => {
  it("keeps nothing, and makes no channel", () => {
    const keeper = new ChannelsByHand({ channelDefaults: { keep: true } });
    keeper.by.shard.refusal = { kind: "DISK_FULL", text: "the disk is full" };
    expect(keeper.publish("x")).toMatchObject([{ kind: "fail", error: "DISK_FULL" }]);
    keeper.subscribe("y", 1);
    expect(keeper.publish("y")).toMatchObject([{ kind: "fail", error: "DISK_FULL" }]);
    expect(keeper.by.shard.store.directoryBytes).toBe(0);
    keeper.by.shard.refusal = undefined;
    keeper.publish("y");
    expect(keeper.told(1)).toBe("0:2");
    keeper.by.shard.invariants();
  });
});

describe("after a restart", () => {
  it("everything is there, and a subscriber goes on where it was", () => {
    const { epoch } = channels.subscribe("c", 1, {}) as { epoch: string };
    for (let i = 0; i < 200; i++) channels.publish("c", 1 + (i % 5), { key: `k${i}` });
    channels.configure("c", { maxMessages: 300 });
    channels.publish("c", 3);
    channels = channels.restarted(OPTIONS);
    expect(channels.stats("c")).toMatchObject({ kept: true, epoch, first: 303, next: 603, messages: 300 });
    expect(channels.subscribe("c", 2, { position: 400, epoch })).toMatchObject({ recovered: true, lost: 0 });
    expect(channels.subscribe("c", 3, { position: 300, epoch })).toMatchObject({ recovered: false, lost: 3 });
    channels.settle();
    channels.publish("c", 1);
    expect(positions(channels.take(2))).toEqual(range(400, 604));
    expect(channels.take(3).every((each) => "body" in each && each.body === String(each.position))).toBe(true);
  });

  it("positions go on though nothing is left, and begin again where the journal does not follow them", () => {
    const { epoch } = channels.subscribe("c", 1, {}) as { epoch: string };
    const other = channels.configure("d", { history: 10 }) as object;
    channels.publish("c", 10);
    channels.publish("d", 10);
    channels.configure("c", { maxMessages: 1 });
    channels.publish("c", 1);
    const again = channels.restarted(OPTIONS);
    expect(again.stats("c")).toMatchObject({ epoch, first: 10, next: 11 });
    expect(again.stats("d")).toMatchObject({ config: other, next: 0, epoch: "" });
  });

  it("what was in memory alone is missing, and whoever has not read it is told so before it goes on", () => {
    const { epoch } = channels.subscribe("c", 1, {}) as { epoch: string };
    channels.publish("c", 5);
    channels.configure("c", { durability: "memory" });
    channels.publish("c", 5);
    channels.configure("c", { durability: "fsync" });
    expect(channels.subscribe("c", 2, { position: 3, epoch })).toMatchObject({ recovered: true, lost: 0 });

    let again = channels.restarted(OPTIONS);
    const goOn = (position: number) => again.subscribe("c", 1, { position, epoch });
    expect(goOn(3)).toMatchObject({ recovered: false, lost: 0, position: 3 });
    again.settle();
    expect(again.told(1)).toBe("3:3 4:4 -5");
    expect(goOn(7)).toMatchObject({ recovered: false });
    expect(goOn(10)).toMatchObject({ recovered: true, lost: 0 });

    again.publish("c", 2);
    // The gap is between messages now, and in the journal with them.
    for (const position of [3, 9]) expect(goOn(position)).toMatchObject({ recovered: false });
    again = again.restarted(OPTIONS);
    for (const position of [0, 5, 9]) expect(goOn(position)).toMatchObject({ recovered: false });
    for (const position of [10, 11, 12]) expect(goOn(position)).toMatchObject({ recovered: true });
    again.settle();
    again.configure("c", { maxMessages: 2 });
    again.publish("c", 2);
    expect(goOn(12)).toMatchObject({ recovered: true });
  });

  it("what was kept by default stays so in a broker that keeps nothing by itself", () => {
    channels = new ChannelsByHand({ ...OPTIONS, channelDefaults: { keep: true } });
    channels.publish("x", 5);
    expect(channels.restarted(OPTIONS).stats("x")).toMatchObject({ kept: true, messages: 5 });
  });

  it("in memory alone nothing is", () => {
    const memory = { level: Durability.memory, segmentBytes: undefined };
    channels = new ChannelsByHand({ ...OPTIONS, ...memory });
    channels.configure("c", { keep: true });
    channels.publish("c", 5);
    channels.subscribe("c", 1, { from: "start" });
    channels.settle();
    expect(channels.told(1)).toBe("0:0 1:1 2:2 3:3 4:4");
    expect(channels.configure("c", { durability: "fsync" })).toBe("BAD_CONFIG");
  });
});

it("of what is kept by default one connection makes its share, and no more", () => {
  const keep = { ...CHANNEL_DEFAULTS, keep: true };
  const limits = { maxTopics: 10, maxTopicsPerConnection: 2, maxQueues: 10, maxConsumers: 10 };
  const all = new ChannelsByHand({ channelDefaults: keep, limits });
  const kindOf = (channel: string, connection: number): string => {
    const [answer] = all.publish(channel, 1, { connection });
    return answer?.kind === "fail" ? answer.error : `${answer?.kind}`;
  };
  expect(["a", "b", "a", "c"].map((channel) => kindOf(channel, 1))).toEqual([
    "confirm",
    "confirm",
    "confirm",
    "TOO_MANY_TOPICS",
  ]);
  expect(kindOf("c", 2)).toBe("confirm");
  all.delete("a");
  all.settle();
  expect(kindOf("d", 1)).toBe("confirm");
});
