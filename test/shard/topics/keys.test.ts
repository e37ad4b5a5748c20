/** Keys of messages: who has one, until when, and what becomes of a batch in which some are known. */
import { describe, expect, it } from "vitest";
import { Durability } from "../../../src/protocol/op.js";
import { fatesOf } from "../fates.js";
import { keysSlice } from "../keys-slice.js";
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

describe("a shard that takes nothing more", () => {
  it("answers what is known, and remembers no key that it has refused", () => {
    const shard = new ShardByHand();
    const [a] = fatesOf(shard.publishKeyed("t", ["a"]));
    shard.shard.refusal = { kind: "DISK_FULL", text: "the disk is full" };
    expect(fatesOf(shard.publishKeyed("t", ["b", "a", "b"]))).toEqual(["36", `=${a}`, "36"]);
    expect(fatesOf(shard.publishKeyed("t", ["b"], { producer: "p", sequence: 0 }))).toEqual(["DISK_FULL"]);
    expect(fatesOf(shard.publishKeyed("t", ["a"], { producer: "p", sequence: 1 }))).toEqual([`=${a}`]);
    expect(shard.shard.directory.find("t")?.keys?.size).toBe(1);
    shard.shard.refusal = undefined;
    expect(fatesOf(shard.publishKeyed("t", ["b"], { producer: "p", sequence: 0 }))[0]?.startsWith("=")).toBe(false);
    shard.shard.invariants();
  });

  it("refuses keys that its memory does not hold, and takes them when there is room", () => {
    const shard = new ShardByHand({ memoryBytes: 2 * 1024 * 1024, level: Durability.memory, segmentBytes: undefined });
    let taken = 0;
    const batch = (): string[] => Array.from({ length: 100 }, (_, i) => `${taken + i} `.padEnd(200, "k"));
    for (; fatesOf(shard.publishKeyed("t", batch()))[0] !== "MEMORY_FULL"; taken += 100)
      expect(taken).toBeLessThan(10_000);
    expect(shard.shard.bytes).toBeLessThanOrEqual(2 * 1024 * 1024);
    expect(shard.shard.directory.find("t")?.keys?.size).toBe(taken);
    shard.shard.invariants();
    shard.ask({ op: "purge", topic: "t", queue: "", state: "ready" });
    shard.wait(1000);
    // Those that are over go with whoever comes next, or when nobody comes.
    expect(fatesOf(shard.publishKeyed("t", ["small"]))).not.toEqual(["MEMORY_FULL"]);
    shard.wait(60_000);
    expect(shard.shard.directory.find("t")?.keys?.size).toBe(1);
  });
});

describe("messages named by their keys", () => {
  const byKey = (keys: readonly string[]) => {
    const bytes = keysSlice(keys);
    return { byKey: true, queue: null, bytes, view: new DataView(bytes.buffer), start: 0, end: bytes.length };
  };
  const lookup = (shard: ShardByHand, key: string, topic = "t"): unknown => {
    const [answer] = shard.ask({ op: "lookup", topic, key: new TextEncoder().encode(key), idHigh: 0, idLow: 0 });
    return answer?.kind === "result" ? answer.value : answer;
  };
  const statesOf = (found: unknown): string[] =>
    (found as [0, 0, "", 0, [string, string][]])[4].map(([, state]) => state);

  it("are cancelled when they are delayed, ready or dead, and not in flight", () => {
    const shard = new ShardByHand();
    shard.configure("t", { retries: 0, ttr: 1000 });
    shard.publishKeyed("t", ["dead"]);
    shard.pop("t", 0);
    shard.wait(1000);
    shard.publishKeyed("t", ["held"]);
    shard.pop("t", 0);
    shard.publishKeyed("t", ["ready"]);
    shard.publishKeyed("t", ["delayed"], { delay: 5000 });
    const keys = ["delayed", "unknown", "held", "ready", "ready", "dead"];
    expect(shard.ask({ op: "cancel", topic: "t", ...byKey(keys) })).toMatchObject([
      {
        kind: "settled",
        count: 3,
        faults: [
          { id: 1n, error: "UNKNOWN_MESSAGE" },
          { id: 2n, error: "MESSAGE_IN_FLIGHT" },
          { id: 4n, error: "UNKNOWN_MESSAGE" },
        ],
      },
    ]);
    // Their keys are free.
    expect(fatesOf(shard.publishKeyed("t", ["ready", "delayed", "dead", "held"])).map((fate) => fate[0])).toContain(
      "=",
    );
    expect(lookup(shard, "nobody")).toBe(null);
  });

  it("are put off, also when they are ready, and run now", () => {
    const shard = new ShardByHand();
    shard.publishKeyed("t", ["a", "b"]);
    const reschedule = (keys: readonly string[], delay: number) =>
      shard.ask({ op: "reschedule", topic: "t", delay, ...byKey(keys) });
    expect(reschedule(["a"], 5000)).toMatchObject([{ kind: "confirm", messages: 1 }]);
    expect(statesOf(lookup(shard, "a"))).toEqual(["delayed"]);
    shard.wait(4999);
    expect(statesOf(lookup(shard, "a"))).toEqual(["delayed"]);
    shard.wait(1);
    expect(statesOf(lookup(shard, "a"))).toEqual(["ready"]);
    reschedule(["b"], 100_000);
    expect(reschedule(["b", "a"], 0)).toMatchObject([{ kind: "confirm", messages: 2 }]);
    shard.wait(0);
    expect(statesOf(lookup(shard, "b"))).toEqual(["ready"]);
    const [popped] = shard.pop("t", 0);
    expect(popped?.kind === "messages" && popped.messages.length).toBe(2);
    expect(reschedule(["a"], 0)).toMatchObject([{ faults: [{ id: 0n, error: "MESSAGE_IN_FLIGHT" }] }]);
    expect(statesOf(lookup(shard, "a"))).toEqual(["in-flight"]);
  });

  it("are those of all queues, or of one; many are settled in steps between which others have their turn", () => {
    const shard = new ShardByHand({ stepExtents: 8 });
    shard.configure("t", { mode: "pattern" });
    for (const queue of ["a", "b"]) shard.ask({ op: "declareQueue", topic: "t", queue });
    const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
    shard.publishKeyed("t", keys, { routeKey: "a|b", delay: 1000 });
    expect(statesOf(lookup(shard, "key 5"))).toEqual(["delayed", "delayed"]);
    const one = { ...byKey(keys.slice(0, 50)), queue: "a" };
    expect(shard.ask({ op: "cancel", topic: "t", ...one })).toMatchObject([{ kind: "confirm", messages: 50 }]);
    expect(statesOf(lookup(shard, "key 5"))).toEqual(["delayed"]);
    expect(shard.ask({ op: "cancel", topic: "t", ...byKey(keys) })).toMatchObject([{ kind: "confirm", messages: 150 }]);
    expect(lookup(shard, "key 5")).toBe(null);
    shard.shard.invariants();
  });

  it("are found by their ids as well, wherever they stand", () => {
    const shard = new ShardByHand({ stepExtents: 4 });
    const ids: bigint[] = [];
    for (let i = 0; i < 300; i++) ids.push(BigInt(fatesOf(shard.publish("t", { count: 3 }))[1] ?? 0));
    const byId = (id: bigint): unknown => {
      const [answer] = [
        ...shard.ask({
          op: "lookup",
          topic: "t",
          key: undefined,
          idHigh: Number(id >> 32n),
          idLow: Number(id & 0xffff_ffffn),
        }),
        ...shard.rest(),
      ];
      return answer?.kind === "result" ? answer.value : answer;
    };
    for (const at of [0, 150, 299]) {
      const id = ids[at] ?? 0n;
      expect(byId(id)).toMatchObject([
        Number(id >> 32n),
        Number(id & 0xffff_ffffn),
        "",
        {},
        [["default", "ready", 0, 0, 0, 0]],
      ]);
    }
    expect(byId(12_345n)).toBe(null);
    shard.pop("t", 0);
    expect(statesOf(byId(ids[0] ?? 0n))).toEqual(["in-flight"]);
    shard.shard.invariants();
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
