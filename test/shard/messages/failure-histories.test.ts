import { describe, expect, it } from "vitest";
import { Failed, MAX_REASON_BYTES, readFailures } from "../../../src/protocol/failure.js";
import { readText } from "../../../src/protocol/text.js";
import { FailureHistories } from "../../../src/shard/messages/failure-histories.js";

const MANY = 64 * 1024 * 1024;

const start = (maxFailureBytes = MANY) => {
  const account = { failureBytes: 0, maxFailureBytes };
  return { account, histories: new FailureHistories(account) };
};

const because = (reason: string, consumer = "billing") => ({ how: Failed.NACKED, consumer, reason });

const told = (bytes: Uint8Array) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readFailures(view, 0, bytes.length).map(({ number, time, consumerStart, reasonStart, end }) => [
    number,
    time,
    readText(bytes, consumerStart, reasonStart),
    readText(bytes, reasonStart, end),
  ]);
};

/** The history of a message that has failed so often, at 1, 2, 3, … */
const failed = (histories: FailureHistories, times: number): number => {
  let history = 0;
  for (let n = 1; n <= times; n++) history = histories.add(history, n, n, because(`reason ${n}`));
  return history;
};

describe("the history of a message", () => {
  it("has its failures in order, the first and the last eight", () => {
    const { histories } = start();
    const one = failed(histories, 9);
    expect(told(histories.encode(one)).map(([number]) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const two = failed(histories, 30);
    expect(told(histories.encode(two))).toEqual(
      [1, 23, 24, 25, 26, 27, 28, 29, 30].map((n) => [n, n, "billing", `reason ${n}`]),
    );
    expect(told(histories.encodeLast(two))).toEqual([[30, 30, "billing", "reason 30"]]);
    expect(histories.count(two)).toBe(30);
    histories.invariants(
      new Map([
        [one, 1],
        [two, 1],
      ]),
    );
  });

  it("takes over only the failures that it does not have", () => {
    const { histories } = start();
    const bytes = histories.encode(failed(histories, 5));
    const view = new DataView(bytes.buffer);
    const again = histories.addEncoded(failed(histories, 3), bytes, view, 0, bytes.length);
    expect(told(histories.encode(again))).toEqual(told(bytes));
    expect(told(histories.encode(histories.addEncoded(again, bytes, view, 0, bytes.length)))).toEqual(told(bytes));
  });

  it("tells any text as it was given", () => {
    const { histories } = start();
    const reason = `no "shop"\n\u0000 – 店 \ufeff`;
    const history = histories.add(0, 1, 0.5, because(reason, "Größe"));
    expect(told(histories.encode(history))).toEqual([[1, 0.5, "Größe", reason]]);
  });
});

describe("memory", () => {
  it("of a million messages that fail together is that of one, however often", () => {
    const { account, histories } = start();
    const all = new Int32Array(1_000_000);
    for (let n = 1; n <= 12; n++) {
      for (let i = 0; i < all.length; i++) all[i] = histories.add(all[i] ?? 0, n, n, because("the shop is closed"));
    }
    expect(new Set(all).size).toBe(1);
    expect(account.failureBytes).toBeLessThan(10_000);
    for (const history of all) histories.release(history);
    histories.invariants(new Map());
    expect(account.failureBytes).toBeLessThan(1000);
  });

  it("is given back when messages go, in whatever order", () => {
    const { account, histories } = start();
    const before = account.failureBytes;
    const all = Array.from({ length: 2000 }, (_, i) => failed(histories, 1 + (i % 20)));
    for (const i of all.keys()) histories.release(all[(i * 7) % all.length] ?? 0);
    histories.invariants(new Map());
    expect(account.failureBytes).toBe(before);
    histories.clear();
    expect(account.failureBytes).toBe(0);
  });

  it("is bounded: then messages have no reasons, then only their last failure, then none", () => {
    const limit = 256 * 1024;
    const { account, histories } = start(limit);
    const long = (i: number) => because(`${i} `.padEnd(MAX_REASON_BYTES, "x"));
    const all = Array.from({ length: 1000 }, (_, i) => histories.add(0, 1, i, long(i)));
    expect(account.failureBytes).toBeLessThanOrEqual(limit);
    const reasons = all.map((history) => told(histories.encode(history))[0]?.[3] !== "");
    // A quarter of the memory, by what text takes as a key and as itself.
    expect(reasons.filter(Boolean).length).toBeGreaterThan(limit / 4 / (2 * MAX_REASON_BYTES) - 2);
    expect(reasons.lastIndexOf(true)).toBeLessThan(900);
    const more = Array.from({ length: 9000 }, (_, i) => histories.add(0, 1, i, long(i)));
    expect(account.failureBytes).toBeLessThanOrEqual(limit);
    expect(more.filter((history) => history === 0).length).toBeGreaterThan(1000);
    // One that is full makes room for its last failure by what it lets go.
    const [first = 0] = all;
    const last = histories.add(first, 2, 5, because("again"));
    expect(told(histories.encode(last)).map(([number]) => number)).toEqual([2]);
    const references = new Map([...all.slice(1), ...more, last].filter((h) => h !== 0).map((h) => [h, 1]));
    histories.invariants(references);
    for (const history of references.keys()) histories.release(history);
    histories.clear();
    expect(account.failureBytes).toBe(0);
  });
});
