/** Keys of messages: who has one, until when, and what becomes of a batch in which some are known. */
import { describe, expect, it } from "vitest";
import { Durability } from "../../../src/protocol/op.js";
import { fatesOf } from "../fates.js";
import { ShardByHand } from "../shard-by-hand.js";

const ackAll = (shard: ShardByHand, topic = "t"): void => shard.endAll(topic);

describe("a key", () => {
  it("is known until its message is acked", () => {
    const shard = new ShardByHand();
    const [id] = fatesOf(shard.publishKeyed("t", ["k"]));
    expect(fatesOf(shard.publishKeyed("t", ["k"], { connection: 2 }))).toEqual([`=${id}`]);
    expect(fatesOf(shard.publishKeyed("u", ["k"]))).not.toEqual([`=${id}`]);
    shard.pop("t", 0);
    expect(fatesOf(shard.publishKeyed("t", ["k"]))).toEqual([`=${id}`]);
    ackAll(shard);
    expect(fatesOf(shard.publishKeyed("t", ["k"]))).not.toEqual([`=${id}`]);
    shard.shard.invariants();
  });

  it("is known while its message is delayed, retried or dead, and not when it was dropped", () => {
    const shard = new ShardByHand();
    shard.configure("t", { retries: 0, ttr: 1000, expired: "dead-letter" });
    const [id] = fatesOf(shard.publishKeyed("t", ["k"], { delay: 500, ttl: 60_000 }));
    const isKnown = (): boolean => fatesOf(shard.publishKeyed("t", ["k"]))[0] === `=${id}`;
    expect(isKnown()).toBe(true);
    shard.wait(600);
    shard.pop("t", 0);
    expect(isKnown()).toBe(true);
    // It is dead.
    shard.wait(1500);
    expect(isKnown()).toBe(true);
    shard.ask({ op: "purge", topic: "t", queue: "", state: "dead" });
    expect(isKnown()).toBe(false);

    shard.configure("u", { expired: "drop", maxLength: 1, overflow: "drop-oldest" });
    const [other] = fatesOf(shard.publishKeyed("u", ["k"], { ttl: 100 }));
    shard.wait(200);
    const [again] = fatesOf(shard.publishKeyed("u", ["k"]));
    expect(again).not.toBe(`=${other}`);
    // A message without a key takes its place.
    shard.publishKeyed("u", [""]);
    expect(fatesOf(shard.publishKeyed("u", ["k"]))).not.toEqual([`=${again}`]);
  });

  it("is known for its window, whatever becomes of its message, and no longer", () => {
    const shard = new ShardByHand();
    const [id] = fatesOf(shard.publishKeyed("t", ["k"], { window: 1000 }));
    shard.pop("t", 0);
    ackAll(shard);
    shard.wait(999);
    expect(fatesOf(shard.publishKeyed("t", ["k"]))).toEqual([`=${id}`]);
    shard.wait(1);
    const [next] = fatesOf(shard.publishKeyed("t", ["k"], { window: 10 }));
    expect(next).not.toBe(`=${id}`);
    // Its message is still there, and has lost its key.
    shard.wait(10);
    expect(fatesOf(shard.publishKeyed("t", ["k"]))).not.toEqual([`=${next}`]);
  });

  it("is told from others of its beginning, its end or its hash", () => {
    const shard = new ShardByHand();
    const keys = ["a", "aa", "aaa", "aaaa", "aaaaa", "a".repeat(8), "a".repeat(9), "a".repeat(255), "aaab", "baaa"];
    const first = fatesOf(shard.publishKeyed("t", keys));
    expect(new Set(first).size).toBe(keys.length);
    expect(fatesOf(shard.publishKeyed("t", [...keys].reverse()))).toEqual([...first].reverse().map((id) => `=${id}`));
  });

  it("is that of one message of a pattern's, however many queues have it, until none has it", () => {
    const shard = new ShardByHand();
    shard.configure("t", { mode: "pattern" });
    for (const queue of ["a", "b"]) shard.ask({ op: "declareQueue", topic: "t", queue });
    const [id] = fatesOf(shard.publishKeyed("t", ["k"], { routeKey: "a|b" }));
    shard.ask({ op: "purge", topic: "t", queue: "a", state: "ready" });
    expect(fatesOf(shard.publishKeyed("t", ["k"], { routeKey: "a" }))).toEqual([`=${id}`]);
    shard.ask({ op: "purge", topic: "t", queue: "b", state: "ready" });
    expect(fatesOf(shard.publishKeyed("t", ["k"], { routeKey: "a" }))).not.toEqual([`=${id}`]);
  });

  it("goes with its topic", () => {
    const shard = new ShardByHand();
    const [id] = fatesOf(shard.publishKeyed("t", ["k"], { window: 60_000 }));
    const before = shard.shard.store.directoryBytes;
    shard.ask({ op: "deleteTopic", topic: "t" });
    expect(shard.shard.store.directoryBytes).toBeLessThan(before);
    expect(fatesOf(shard.publishKeyed("t", ["k"]))).not.toEqual([`=${id}`]);
  });
});

describe("a batch with keys", () => {
  it("takes those that are not known, each key once", () => {
    const shard = new ShardByHand();
    const [a] = fatesOf(shard.publishKeyed("t", ["a"]));
    const fates = fatesOf(shard.publishKeyed("t", ["b", "a", "", "b", "", "c", "c"]));
    expect(fates[1]).toBe(`=${a}`);
    expect(fates[3]).toBe(`=${fates[0]}`);
    expect(fates[6]).toBe(`=${fates[5]}`);
    expect(new Set(fates).size).toBe(7);
    const [messages] = shard.pop("t", 0);
    expect(messages?.kind === "messages" && messages.messages.map(({ id }) => String(id))).toEqual(
      [a, ...fates].filter((fate) => !fate?.startsWith("=")),
    );
  });

  it("is refused as a whole, and its known ones answered; nothing is left of the others", () => {
    const shard = new ShardByHand();
    shard.configure("t", { maxLength: 3 });
    const [a] = fatesOf(shard.publishKeyed("t", ["a"]));
    expect(fatesOf(shard.publishKeyed("t", ["b", "a", "c", "d", "b"]))).toEqual(["17", `=${a}`, "17", "17", "17"]);
    expect(fatesOf(shard.publishKeyed("t", ["b", "c", "d"]))).toEqual(["QUEUE_FULL"]);
    expect(fatesOf(shard.publishKeyed("t", ["b", "c"])).every((fate) => !fate.startsWith("="))).toBe(true);
    shard.shard.invariants();
  });

  it("is taken one by one where that was asked for", () => {
    const shard = new ShardByHand();
    shard.configure("t", { maxLength: 2 });
    const fates = fatesOf(shard.publishKeyed("t", ["a", "b", "c", "a", "c"], { oneByOne: true }));
    expect(fates.slice(2)).toEqual(["17", `=${fates[0]}`, "17"]);
    shard.shard.invariants();
  });

  it("needs no queue for what is known", () => {
    const shard = new ShardByHand();
    const [a] = fatesOf(shard.publishKeyed("t", ["a"]));
    expect(fatesOf(shard.publishKeyed("t", ["a"], { routeKey: "nowhere" }))).toEqual([`=${a}`]);
    expect(fatesOf(shard.publishKeyed("t", ["a", "b"], { routeKey: "nowhere" }))).toEqual([`=${a}`, "18"]);
  });

  it("may be numbered as well: the number comes first, and a duplicate of another message has none", () => {
    const shard = new ShardByHand();
    const [id] = fatesOf(shard.publishKeyed("t", ["a"], { producer: "p", sequence: 0 }));
    ackAll(shard);
    shard.pop("t", 0);
    ackAll(shard);
    expect(fatesOf(shard.publishKeyed("t", ["a"], { producer: "p", sequence: 0 }))).toEqual([`=${id}`]);
    const [next] = fatesOf(shard.publishKeyed("t", ["a"], { producer: "q", sequence: 0 }));
    expect(fatesOf(shard.publishKeyed("t", ["a", "b"], { producer: "p", sequence: 1 }))[0]).toBe(`=${next}`);
    // Message 1 has left nothing: it is decided anew.
    shard.pop("t", 0);
    ackAll(shard);
    const [third] = fatesOf(shard.publishKeyed("t", ["a"], { producer: "p", sequence: 1 }));
    expect([`=${next}`, `=${id}`]).not.toContain(third);
  });

  it("knows no more keys than it may, counts their memory and gives it back", () => {
    const shard = new ShardByHand();
    shard.configure("t", { maxKeys: 1000 });
    const batch = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `key ${from + i}`);
    const { store } = shard.shard;
    const before = store.directoryBytes;
    shard.publishKeyed("t", batch(0, 1000));
    expect(store.directoryBytes - before).toBeGreaterThan(1000 * 50);
    expect(fatesOf(shard.publishKeyed("t", ["one more"]))).toEqual(["TOO_MANY_KEYS"]);
    expect(fatesOf(shard.publishKeyed("t", [""]))).toHaveLength(1);
    for (let i = 0; i < 200; i++) shard.pop("t", 0);
    ackAll(shard);
    expect(fatesOf(shard.publishKeyed("t", ["one more"]))).not.toEqual(["TOO_MANY_KEYS"]);
    shard.wait(60_000);
    expect(store.directoryBytes - before).toBeLessThan(4096);
    expect(shard.shard.directory.find("t")?.keys?.size).toBe(1);
  });
});

describe("after a restart", () => {
  it("keys are known as before", () => {
    const shard = new ShardByHand({ segmentBytes: 4096, pageBytes: 1024 });
    const [done] = fatesOf(shard.publishKeyed("t", ["done"]));
    const [windowed] = fatesOf(shard.publishKeyed("t", ["windowed"], { window: 60_000 }));
    const [short] = fatesOf(shard.publishKeyed("t", ["short"], { window: 10 }));
    shard.pop("t", 0);
    ackAll(shard);
    const [waiting] = fatesOf(shard.publishKeyed("t", ["waiting"], { producer: "p", sequence: 3 }));
    const [late] = fatesOf(shard.publishKeyed("t", ["late"], { delay: 5000 }));
    // So much that the first segments are of no more use but for what they say of keys.
    for (let i = 0; i < 30; i++)
      shard.publishKeyed(
        "t",
        Array.from({ length: 20 }, (_, j) => `${i} ${j}`),
        { window: 1 },
      );
    shard.wait(20);
    const again = shard.restarted({ segmentBytes: 4096, pageBytes: 1024 });
    again.shard.invariants();
    const keys = ["done", "windowed", "short", "waiting", "late"];
    expect(fatesOf(again.publishKeyed("t", keys)).map((fate) => fate.startsWith("="))).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
    const ids = fatesOf(again.publishKeyed("t", ["windowed", "waiting", "late"]));
    expect(ids).toEqual([`=${windowed}`, `=${waiting}`, `=${late}`]);
    expect([done, short]).not.toContain(fatesOf(again.publishKeyed("t", ["done"]))[0]);
  });

  it("those of messages in memory alone are not", () => {
    const shard = new ShardByHand();
    shard.configure("t", { durability: "memory" });
    shard.publishKeyed("t", ["a"], { window: 60_000 });
    const again = shard.restarted({ level: Durability.fsync });
    expect(fatesOf(again.publishKeyed("t", ["a"]))[0]?.startsWith("=")).toBe(false);
  });
});
