import { describe, expect, it } from "vitest";
import type { Effect, SeenMessage } from "../model/effects.js";
import { messagesIn, selecting } from "../selecting.js";
import { ShardByHand } from "../shard-by-hand.js";

/** A queue of `count` messages, numbered from 0 on; in batches, or one by one. */
const queueOf = (count: number, batch = count): { by: ShardByHand; ids: bigint[] } => {
  const by = new ShardByHand();
  const ids: bigint[] = [];
  while (ids.length < count) {
    const [effect] = by.publish("t", { count: batch });
    if (effect?.kind !== "confirm") throw new Error("not published");
    for (let i = 0; i < batch; i++) ids.push(effect.id + BigInt(i));
    if (ids.length % 4096 === 0) by.wait(1);
  }
  return { by, ids };
};

const pop = (by: ShardByHand, max: number): readonly SeenMessage[] =>
  messagesIn(by.ask({ op: "pop", topic: "t", queue: "", max, maxBytes: 1 << 20, wait: 0 }));

const settle = (by: ShardByHand, op: "ack" | "release", messages: readonly SeenMessage[]): Effect[] =>
  by.ask({ op, topic: "t", queue: "", ...selecting(messages) });

const fail = (by: ShardByHand, messages: readonly SeenMessage[]): Effect[] =>
  by.ask({ op: "nack", topic: "t", queue: "", delay: 0, reject: false, ...selecting(messages) });

/** Which messages a pop brings, by number, and how often they were tried. */
const numbers = (by: ShardByHand, ids: readonly bigint[], max = 100): { order: number[]; retries: number[] } => {
  by.shard.invariants();
  const messages = pop(by, max);
  return { order: messages.map(({ id }) => ids.indexOf(id)), retries: messages.map(({ retry }) => retry) };
};

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("what is given back", () => {
  it("is at the head of its queue, in its order, with its retry as it was", () => {
    const { by, ids } = queueOf(10);
    settle(by, "release", pop(by, 4));
    expect(numbers(by, ids)).toEqual({ order: range(0, 10), retries: Array(10).fill(0) });
  });

  it.each([
    ["the first taken first", [0, 1, 2]],
    ["the last taken first", [2, 1, 0]],
    ["in any order", [1, 2, 0]],
  ])("is in its order when several give back, %s", (_, order) => {
    const { by, ids } = queueOf(90);
    const pieces = [pop(by, 20), pop(by, 30), pop(by, 15)];
    for (const i of order) settle(by, "release", pieces[i] ?? []);
    expect(numbers(by, ids).order).toEqual(range(0, 90));
  });

  it("is in its order when pieces of the same 32 messages interleave", () => {
    const { by, ids } = queueOf(40);
    const taken = pop(by, 40);
    const of = (rest: number): SeenMessage[] => taken.filter((_, i) => i % 3 === rest);
    settle(by, "release", of(2));
    settle(by, "release", of(0));
    settle(by, "release", of(1));
    expect(numbers(by, ids).order).toEqual(range(0, 40));
  });

  it("has its place again when it was given back, taken and given back", () => {
    const { by, ids } = queueOf(9);
    const [first, second] = [pop(by, 3), pop(by, 3)];
    settle(by, "release", first);
    const again = pop(by, 3);
    settle(by, "release", second);
    settle(by, "release", again);
    expect(numbers(by, ids).order).toEqual(range(0, 9));
  });

  it("is in front of what failed, which has lost its place", () => {
    const { by, ids } = queueOf(6);
    const [lost, kept] = [pop(by, 2), pop(by, 2)];
    fail(by, lost);
    settle(by, "release", kept);
    expect(numbers(by, ids)).toEqual({ order: [2, 3, 4, 5, 0, 1], retries: [0, 0, 0, 0, 1, 1] });
  });

  it("keeps the retries that it had, and its limit", () => {
    const { by, ids } = queueOf(1);
    by.configure("t", { retries: 1 });
    fail(by, pop(by, 1));
    for (let i = 0; i < 5; i++) settle(by, "release", pop(by, 1));
    const taken = pop(by, 1);
    expect(taken.map(({ id, retry }) => [ids.indexOf(id), retry])).toEqual([[0, 1]]);
    fail(by, taken);
    expect(by.ask({ op: "popDead", topic: "t", queue: "", max: 9, maxBytes: 100 })).toMatchObject([
      { messages: [{ id: ids[0], retry: 2 }] },
    ]);
  });

  it("can be acked no more under the delivery that it came back from", () => {
    const { by, ids } = queueOf(2);
    const taken = pop(by, 2);
    settle(by, "release", taken);
    expect(settle(by, "ack", taken)).toMatchObject([
      { kind: "settled", count: 0, faults: ids.map((id) => ({ id, error: "LEASE_LOST" })) },
    ]);
    pop(by, 2);
    expect(settle(by, "ack", taken)).toMatchObject([{ kind: "settled", count: 0 }]);
  });

  it("is with the dead letters again, first and in order, if it was one", () => {
    const { by, ids } = queueOf(4);
    by.configure("t", { retries: 0 });
    fail(by, pop(by, 4));
    const dead = (max: number) => messagesIn(by.ask({ op: "popDead", topic: "t", queue: "", max, maxBytes: 1000 }));
    const [first, second] = [dead(1), dead(2)];
    settle(by, "release", second);
    settle(by, "release", first);
    by.shard.invariants();
    expect(dead(9).map(({ id }) => ids.indexOf(id))).toEqual([0, 1, 2, 3]);
  });

  it("expires when its time to live is over", () => {
    const by = new ShardByHand();
    by.publish("t", { ttl: 50, count: 3 });
    const taken = pop(by, 3);
    by.wait(60);
    settle(by, "release", taken);
    expect(pop(by, 3)).toEqual([]);
    by.shard.invariants();
  });

  it("is what it was after a restart, in its order", () => {
    const { by, ids } = queueOf(40);
    const [first, second] = [pop(by, 10), pop(by, 10)];
    settle(by, "release", second);
    settle(by, "release", first);
    expect(numbers(by.restarted(), ids)).toEqual({ order: range(0, 40), retries: Array(40).fill(0) });
  });
});

describe("many that are given back one by one", () => {
  const COUNT = 1 << 13;

  /** Numbers of 13 bits in an order in which neighbours are far apart. */
  const reversed = (i: number): number => {
    let result = 0;
    for (let bit = 0; bit < 13; bit++) if (((i >>> bit) & 1) === 1) result |= 1 << (12 - bit);
    return result;
  };

  it.each<[string, (i: number) => number]>([
    ["forwards", (i) => i],
    ["backwards", (i) => COUNT - 1 - i],
    ["in an order that nobody would choose", reversed],
  ])("find their places with few looks, %s", (_, nth) => {
    const { by, ids } = queueOf(COUNT, 1);
    const taken = pop(by, COUNT);
    expect(taken).toHaveLength(COUNT);
    let looks = 0;
    const { extents } = by.shard.store;
    const isBefore = extents.isBefore.bind(extents);
    extents.isBefore = (fragment, other) => {
      looks++;
      return isBefore(fragment, other);
    };
    for (let i = 0; i < COUNT; i++) settle(by, "release", taken.slice(nth(i), nth(i) + 1));
    expect(looks / COUNT).toBeLessThan(100);
    // As they go, so do the marks that they left.
    for (let at = 0; at < COUNT; at += 1000) {
      expect(numbers(by, ids, 1000).order).toEqual(range(at, Math.min(at + 1000, COUNT)));
    }
    expect(looks / COUNT).toBeLessThan(120);
  });
});
