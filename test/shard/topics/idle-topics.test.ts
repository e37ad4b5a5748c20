/** Topics that nobody needs leave nothing behind: those that were refused at once, others after a while without use. */
import { describe, expect, it } from "vitest";
import { Durability } from "../../../src/protocol/op.js";
import type { ShardOptions } from "../../../src/shard/shard.js";
import type { Effect } from "../model/effects.js";
import { readInto, segmentsOf } from "../read-back.js";
import { IDLE, LIMITS, NOW, ShardByHand } from "../shard-by-hand.js";

/** A topic stays an eighth longer at the most, and the milliseconds of a turn. */
const GONE_AFTER = IDLE + IDLE / 8 + 1;
const MINUTES = 60_000;

const errorOf = ([effect]: readonly Effect[]): string | undefined =>
  effect?.kind === "fail" ? effect.error : undefined;

describe("a topic that nobody uses", () => {
  it("is forgotten after a while, and not before", () => {
    const hand = new ShardByHand();
    hand.pop("t", 1000);
    hand.wait(1000);
    hand.wait(IDLE - 1);
    expect(hand.names).toEqual(["t"]);
    hand.wait(GONE_AFTER - IDLE + 1);
    expect(hand.names).toEqual([]);
    expect(hand.shard.store.directoryBytes).toBe(0);
    expect(hand.shard.directory.queues).toEqual([]);
    expect(hand.shard.turn(hand.now)).toBe(Number.POSITIVE_INFINITY);
  });

  it("stays as long as it is used, and is not by who only looks", () => {
    const hand = new ShardByHand();
    hand.pop("t", 1);
    for (let i = 0; i < 5; i++) {
      hand.wait(IDLE - 1);
      hand.pop("t", 0);
    }
    expect(hand.names).toEqual(["t"]);
    // Who only looks uses nothing.
    const to = { topic: "t", queue: "default" };
    const some = { max: 1, maxBytes: 1 };
    for (let i = 0; i < 5; i++) {
      hand.wait(IDLE / 2);
      hand.ask({ op: "topics", after: "", max: 10 });
      hand.ask({ op: "stats", topic: "t" });
      hand.ask({ op: "explain", topic: "t", queue: null, routeKey: null });
      hand.ask({ op: "browse", ...to, ...some, state: "ready", offset: 0 });
      hand.ask({ op: "find", ...to, ...some, state: "all", after: "", conditions: {} });
      hand.ask({ op: "delayed", ...to, buckets: 1, from: undefined, to: undefined });
      hand.ask({ op: "deadGroups", ...to, max: 1 });
      hand.ask({ op: "lookup", topic: "t", key: undefined, idHigh: 0, idLow: 1, withHistory: false });
      hand.rest();
    }
    expect(hand.names).toEqual([]);
  });

  it("stays for as long again after the last who waited there", () => {
    const hand = new ShardByHand();
    hand.consume("t");
    hand.wait(5 * IDLE);
    hand.ask({ op: "disconnect" });
    hand.wait(IDLE - 1);
    expect(hand.names).toEqual(["t"]);
    hand.wait(GONE_AFTER);
    expect(hand.names).toEqual([]);
  });

  it("gives the connection that made it its share back", () => {
    const hand = new ShardByHand({ limits: { ...LIMITS, maxTopicsPerConnection: 1 } });
    hand.pop("t", 1);
    expect(errorOf(hand.pop("u", 1))).toBe("TOO_MANY_TOPICS");
    hand.wait(2 * IDLE);
    expect(errorOf(hand.pop("u", 1))).toBeUndefined();
  });

  it("is never forgotten where nothing says when", () => {
    const { maxTopics, maxQueues, maxConsumers } = LIMITS;
    const hand = new ShardByHand({ limits: { maxTopics, maxQueues, maxConsumers } });
    hand.pop("t", 1);
    hand.wait(1);
    hand.now += 365 * 24 * 60 * MINUTES;
    expect(hand.shard.turn(hand.now)).toBe(Number.POSITIVE_INFINITY);
    expect(hand.names).toEqual(["t"]);
  });

  const KEEPS: readonly (readonly [string, (hand: ShardByHand) => void])[] = [
    ["a configuration", (hand) => hand.configure("t", { ttr: 1000 })],
    ["a durability of its own", (hand) => hand.configure("t", { durability: "fsync" })],
    ["a queue that was declared", (hand) => hand.ask({ op: "declareQueue", topic: "t", queue: "a" })],
    ["`default`, declared", (hand) => hand.ask({ op: "declareQueue", topic: "t", queue: "default" })],
    ["a ready message", (hand) => hand.publish("t")],
    ["a delayed message", (hand) => hand.publish("t", { delay: 1000 * MINUTES })],
    ["a consumer", (hand) => hand.consume("t", 1, "", 0)],
    ["a pop that waits", (hand) => hand.pop("t", 1000 * MINUTES)],
    [
      "a message in flight",
      (hand) => {
        hand.configure("t", { ttr: 1000 * MINUTES });
        hand.publish("t");
        hand.pop("t", 0);
        hand.configure("t", { ttr: 60_000 });
      },
    ],
    [
      "a dead letter",
      (hand) => {
        hand.configure("t", { expired: "dead-letter" });
        hand.publish("t", { ttl: 1 });
        hand.wait(1);
        hand.configure("t", { expired: "drop" });
      },
    ],
    [
      "a queue that is paused",
      (hand) => {
        hand.consume("t");
        hand.ask({ op: "pause", topic: "t", queue: "" });
        hand.ask({ op: "disconnect" });
      },
    ],
    [
      "a pop that was put off",
      (hand) => {
        hand.consume("t", 2);
        hand.ask({ op: "hold" });
        hand.pop("t", 1000);
        hand.ask({ op: "disconnect" }, 2);
      },
    ],
  ];
  it.each(KEEPS)("is needed for %s", (_, make) => {
    const hand = new ShardByHand();
    make(hand);
    hand.recorder.take();
    hand.wait(3 * IDLE);
    expect(hand.names).toEqual(["t"]);
  });

  it("is not needed for what was taken back", () => {
    const hand = new ShardByHand();
    hand.configure("t", { ttr: 1000 });
    hand.configure("t", { ttr: 60_000 });
    hand.ask({ op: "declareQueue", topic: "t", queue: "a" });
    hand.ask({ op: "deleteQueue", topic: "t", queue: "a" });
    hand.publish("t");
    hand.ask({ op: "pause", topic: "t", queue: "" });
    hand.ask({ op: "resume", topic: "t", queue: "" });
    hand.pop("t", 0);
    hand.endAll("t");
    hand.ask({ op: "hold" });
    hand.pop("t", 0);
    hand.ask({ op: "disconnect" });
    hand.wait(2 * IDLE);
    expect(hand.names).toEqual([]);
  });

  it("costs turns only when it is time to look, each a bounded part of them", () => {
    const hand = new ShardByHand();
    const all = 20_000;
    for (let i = 0; i < all; i++) hand.pop(`t${i}`, 1);
    let turns = 0;
    while (hand.shard.turn(hand.now + 1) <= hand.now + 1) turns++;
    hand.recorder.take();
    expect(hand.shard.directory.size).toBe(all);
    // However many turns there are for other reasons.
    for (let i = 0; i < 10; i++) expect(hand.shard.turn(hand.now + 1)).toBeGreaterThan(hand.now + 1);
    const looks = turns;
    // Rounds of the time, each of about as many turns.
    hand.now += 1;
    turns = 0;
    const end = hand.now + IDLE - 1;
    for (let due = hand.now; due <= end; turns++) {
      hand.now = Math.max(hand.now, due);
      due = hand.shard.turn(hand.now);
    }
    expect(turns).toBeLessThan(9 * (looks + 2));
    expect(hand.shard.directory.size).toBe(all);
    hand.now = end + GONE_AFTER;
    for (let before = all; before > 0; before = hand.shard.directory.size) {
      const due = hand.shard.turn(hand.now);
      expect(before - hand.shard.directory.size).toBeLessThanOrEqual(128);
      expect(due).toBe(hand.shard.directory.size > 0 ? hand.now : Number.POSITIVE_INFINITY);
    }
  });
});

describe("the journal", () => {
  it("hears nothing of topics that are there because somebody asked", () => {
    const hand = new ShardByHand();
    hand.publish("first");
    const { position } = hand;
    for (let i = 0; i < 1000; i++) {
      hand.consume(`c${i}`);
      hand.pop(`p${i}`, 1000);
    }
    hand.ask({ op: "disconnect" });
    hand.wait(2 * IDLE);
    expect(hand.names).toEqual(["first"]);
    expect(hand.position).toBe(position);
  });

  it("hears of a topic, and then of its queue, with the first message that is kept", () => {
    const hand = new ShardByHand();
    hand.publish("first");
    hand.consume("t");
    hand.configure("m", { durability: "memory" });
    hand.publish("m");
    hand.publish("t");
    hand.publish("t");
    expect(hand.entries().map(([kind, a, b]) => (kind === "queue" ? [kind, b] : [kind, a]))).toEqual([
      ["topic", "first"],
      ["queue", "first"],
      ["topic", "m"],
      ["topic", "t"],
      ["queue", "t"],
    ]);
  });

  it("is told that a topic was forgotten, and nobody waits for that", () => {
    const hand = new ShardByHand();
    hand.publish("t");
    hand.pop("t", 0);
    hand.endAll("t");
    const { log } = hand.shard.store;
    log.demand = 0;
    hand.wait(2 * IDLE);
    expect(hand.names).toEqual([]);
    expect(log.demand).toBeLessThanOrEqual(Durability.memory);
    expect(hand.entries().slice(-2)).toEqual([
      ["queue deleted", 0],
      ["topic deleted", "t"],
    ]);
    expect(hand.restarted().names).toEqual([]);
  });

  it("is told nothing that can wait while it has no room", () => {
    const hand = new ShardByHand();
    hand.publish("known");
    hand.pop("known", 0);
    hand.endAll("known");
    hand.pop("unknown", 1);
    hand.shard.refusal = { kind: "DISK_FULL", text: "the disk is full" };
    const { position } = hand;
    hand.wait(3 * IDLE);
    expect(hand.names).toEqual(["known"]);
    expect(hand.position).toBe(position);
    hand.shard.refusal = undefined;
    hand.wait(IDLE / 8);
    expect(hand.names).toEqual([]);
  });

  it("is not needed to forget", () => {
    const hand = new ShardByHand({ level: Durability.memory, segmentBytes: undefined });
    hand.publish("t");
    hand.pop("t", 0);
    hand.endAll("t");
    hand.ask({ op: "declareQueue", topic: "declared", queue: "" });
    hand.wait(2 * IDLE);
    expect(hand.names).toEqual(["declared"]);
  });

  it("has at the head of a segment what lasts, and no more", () => {
    const hand = new ShardByHand({ segmentBytes: 4096, pageBytes: 4096 });
    hand.consume("asked");
    hand.ask({ op: "declareQueue", topic: "t", queue: "a" });
    hand.consume("t");
    for (let i = 0; i < 100; i++) hand.publish("t", { routeKey: "a", count: 10 });
    expect(segmentsOf(hand.shard.store.log).size).toBeGreaterThan(1);
    const again = hand.restarted();
    expect(again.names).toEqual(["t"]);
    expect([...again.shard.directory.topic("t").queues.keys()]).toEqual(["a"]);
    expect(again.shard.directory.topic("t").queues.get("a")?.readyCount).toBe(1000);
  });

  it("tells queues that were declared from those that were used", () => {
    const hand = new ShardByHand();
    hand.ask({ op: "declareQueue", topic: "declared", queue: "" });
    hand.publish("used");
    hand.pop("used", 0);
    hand.endAll("used");
    const again = hand.restarted();
    expect(again.names).toEqual(["declared", "used"]);
    // The time begins anew.
    again.now += 10 * IDLE;
    again.wait(IDLE - 1);
    expect(again.names).toEqual(["declared", "used"]);
    again.wait(GONE_AFTER);
    expect(again.names).toEqual(["declared"]);
    expect(again.restarted().names).toEqual(["declared"]);
  });

  it("of an earlier version said nothing of that: what is not `default` was declared", () => {
    const hand = new ShardByHand();
    const { log, recorder, level } = hand.shard.store;
    for (const [number, topic, key] of [
      [0, "a", "a"],
      [1, "b", "default"],
    ] as const) {
      recorder.directory(["topic", topic, {}, NOW], level);
      recorder.directory(["queue", number, topic, key, false], level);
    }
    const again = new ShardByHand();
    readInto(again.shard, segmentsOf(log));
    expect(again.names).toEqual(["a", "b"]);
    again.wait(3 * IDLE);
    expect(again.names).toEqual(["a"]);
  });

  it("does not mistake a number that had a queue that it never knew", () => {
    const hand = new ShardByHand();
    hand.publish("kept");
    // Number 1: unknown, known and forgotten, unknown again, and known.
    hand.consume("u");
    hand.ask({ op: "deleteTopic", topic: "u" });
    hand.publish("v");
    hand.ask({ op: "deleteTopic", topic: "v" });
    hand.consume("w");
    hand.publish("kept");
    const unknown = hand.restarted();
    expect(unknown.names).toEqual(["kept"]);
    // A number that nobody has there is free.
    unknown.publish("x");
    expect(unknown.shard.directory.topic("x").queues.get("default")?.number).toBe(1);
    hand.publish("w");
    const known = hand.restarted();
    expect(known.names).toEqual(["kept", "w"]);
    expect(known.shard.directory.topic("kept").queues.get("default")?.readyCount).toBe(2);
    expect(known.shard.directory.topic("w").queues.get("default")?.readyCount).toBe(1);
  });
});

describe("a request that is refused", () => {
  const limits = { ...LIMITS, maxConsumers: 0 };
  const full = { kind: "DISK_FULL", text: "the disk is full" } as const;
  const REFUSED: readonly (readonly [string, string, Partial<ShardOptions>, (hand: ShardByHand) => Effect[]])[] = [
    ["PUBLISH with a route key", "NO_ROUTE", {}, (hand) => hand.publish("t", { routeKey: "nowhere" })],
    ["PUBLISH without memory", "MEMORY_FULL", { memoryBytes: 1 }, (hand) => hand.publish("t")],
    [
      "PUBLISH without memory for messages",
      "MEMORY_FULL",
      { memoryBytes: new ShardByHand().shard.bytes + 8192 },
      (hand) => hand.publish("t"),
    ],
    [
      "PUBLISH without a disk",
      "DISK_FULL",
      {},
      (hand) => {
        hand.shard.refusal = full;
        return hand.publish("t");
      },
    ],
    [
      "PUBLISH without a disk, many at once",
      "DISK_FULL",
      {},
      (hand) => {
        hand.shard.refusal = full;
        return hand.publish("t", { count: 3, requests: 3 });
      },
    ],
    ["CONSUME of one too many", "TOO_MANY_CONSUMERS", { limits }, (hand) => hand.consume("t")],
    ["CONSUME of a queue", "NO_QUEUE", {}, (hand) => hand.consume("t", 1, "a")],
    ["POP of one too many", "TOO_MANY_CONSUMERS", { limits }, (hand) => hand.pop("t", 1000)],
    ["POP of a queue", "NO_QUEUE", {}, (hand) => hand.pop("t", 1000, 1, "a")],
    [
      "POP of one too many, put off",
      "TOO_MANY_CONSUMERS",
      { limits },
      (hand) => {
        hand.ask({ op: "hold" });
        hand.pop("t", 1000);
        hand.ask({ op: "unhold" });
        hand.shard.turn(hand.now);
        return hand.recorder.take();
      },
    ],
    [
      "DECLARE_QUEUE without memory",
      "MEMORY_FULL",
      // Enough for the topic.
      { memoryBytes: new ShardByHand().shard.bytes + 2048 },
      (hand) => hand.ask({ op: "declareQueue", topic: "t", queue: "a" }),
    ],
    [
      "CONFIGURE of what there is not",
      "BAD_CONFIG",
      { level: Durability.memory, segmentBytes: undefined },
      (hand) => hand.configure("t", { durability: "fsync" }),
    ],
  ];
  it.each(REFUSED)("leaves no topic behind: %s (%s)", (_, error, options, ask) => {
    const hand = new ShardByHand(options);
    expect(errorOf(ask(hand))).toBe(error);
    expect(hand.names).toEqual([]);
    expect(hand.shard.store.directoryBytes).toBe(0);
    expect(hand.shard.directory.queues).toEqual([]);
    expect(hand.entries()).toEqual([]);
  });

  it("leaves no queue behind in a topic that was there", () => {
    const hand = new ShardByHand({ limits });
    hand.ask({ op: "declareQueue", topic: "t", queue: "a" });
    expect(errorOf(hand.consume("t"))).toBe("TOO_MANY_CONSUMERS");
    // Nor do those that need none.
    hand.ask({ op: "purge", topic: "t", queue: "", state: "all" });
    hand.ask({ op: "browse", topic: "t", queue: "", state: "ready", offset: 0, max: 1, maxBytes: 1 });
    expect([...hand.shard.directory.topic("t").queues.keys()]).toEqual(["a"]);
  });

  it("gives the share that it took back", () => {
    const hand = new ShardByHand({ limits: { ...LIMITS, maxTopicsPerConnection: 1 } });
    for (let i = 0; i < 3; i++) expect(errorOf(hand.publish(`t${i}`, { routeKey: "a" }))).toBe("NO_ROUTE");
    expect(errorOf(hand.publish("t"))).toBeUndefined();
  });
});
