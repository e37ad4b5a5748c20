/** What is remembered of producers: window by window, and how many there may be. */
import { describe, expect, it } from "vitest";
import { EPOCH, idHigh, idLow } from "../../../src/protocol/id.js";
import { MAX_PRODUCERS } from "../../../src/protocol/limits.js";
import { Durability } from "../../../src/protocol/op.js";
import { ProducerWindow } from "../../../src/shard/topics/producer-window.js";
import { Producers } from "../../../src/shard/topics/producers.js";

const CONFIG = { dedupWindow: 1000, dedupMessages: 10 };
const { fsync, memory } = Durability;

/** Adds messages under the first ids of a millisecond. */
const add = (window: ProducerWindow, sequence: number, count: number, millisecond: number, level: number = fsync) =>
  window.add(sequence, count, idHigh(millisecond), idLow(millisecond, 1), level, millisecond);

/** The sequences from `from` to `to` that are known. */
const known = (window: ProducerWindow, from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i).filter((sequence) => window.known(sequence, 1) === 1);

const restorePart = (window: ProducerWindow, entry: readonly unknown[]): void =>
  window.restorePart(entry[3] as number, entry[4] as Uint8Array, entry[5] as number);

describe("the window of a producer", () => {
  it("knows what it was told, whatever the order, and how far it goes", () => {
    const window = new ProducerWindow("t", "p");
    add(window, 10, 5, 1);
    add(window, 20, 5, 2);
    add(window, 16, 2, 3);
    add(window, 0, 1, 4);
    window.invariants();
    expect(known(window, 0, 30)).toEqual([0, 10, 11, 12, 13, 14, 16, 17, 20, 21, 22, 23, 24]);
    expect(window.known(12, 100)).toBe(3);
    expect([window.idHigh, window.idLow]).toEqual([idHigh(1), idLow(1, 1) + 2]);
    expect(window.known(15, 100)).toBe(-1);
    expect(window.known(25, 7)).toBe(-7);
    expect(window.next).toBe(25);
  });

  it("takes late ones between many others, each at the price of a few", () => {
    const window = new ProducerWindow("t", "p");
    const count = 20_000;
    for (let i = 0; i < count; i++) add(window, 2 * i, 1, i);
    // Every second one of them, from both ends to the middle, and some in the middle of a run.
    for (let i = 0; i < count / 2; i++) {
      add(window, 2 * i + 1, 1, count + i);
      add(window, 2 * (count - i) - 1, 1, 2 * count + i);
    }
    window.invariants();
    expect(window.known(0, 1)).toBe(1);
    expect(known(window, 0, 2 * count)).toHaveLength(2 * count);
    expect(window.bytes).toBeLessThan(6 * 40 * count);
    for (let i = 0; i < count; i += 777) {
      window.known(2 * i, 1);
      expect([window.idHigh, window.idLow]).toEqual([idHigh(i), idLow(i, 1)]);
    }
    window.forget(2 * count);
    expect(window.bytes).toBeLessThan(2048);
    expect(window.next).toBe(2 * count);
  });

  it("keeps the newest messages, and gives back the memory of those it forgets", () => {
    const window = new ProducerWindow("t", "p");
    for (let i = 0; i < 10_000; i++) {
      add(window, 2 * i, 1, i);
      window.trim(10, Number.NEGATIVE_INFINITY);
    }
    window.invariants();
    expect(known(window, 0, 20_000)).toHaveLength(10);
    expect(window.floor).toBe(2 * 9990 - 1);
    expect(window.bytes).toBeLessThan(4096);
  });

  it("forgets what its producer knows, within a run as well", () => {
    const window = new ProducerWindow("t", "p");
    add(window, 0, 10, 1);
    window.forget(4);
    window.invariants();
    expect(known(window, 0, 12)).toEqual([4, 5, 6, 7, 8, 9]);
    window.forget(100);
    expect([window.next, window.floor]).toEqual([100, 100]);
  });

  it("comes back in parts, without what was in memory alone", () => {
    const window = new ProducerWindow("t", "p");
    for (let i = 0; i < 2000; i++) add(window, 2 * i, 1, i, i % 10 === 0 ? memory : fsync);
    window.forget(100);
    const back = new ProducerWindow("t", "p");
    const parts = [...window.parts()];
    expect(parts.length).toBeGreaterThan(2);
    for (const { entry } of parts) restorePart(back, entry);
    back.invariants();
    expect(known(back, 0, 4000)).toEqual(known(window, 0, 4000).filter((sequence) => sequence % 20 !== 0));
    expect(back.floor).toBe(100);
  });
});

describe("the producers of a topic", () => {
  it("come back with what is known to be forgotten, also when nothing else is left of them", () => {
    const config = { dedupWindow: 1000, dedupMessages: 0 };
    const producers = new Producers("t", { directoryBytes: 0 });
    const ids = { count: 3, idHigh: idHigh(1), idLow: idLow(1, 1) };
    producers.took(producers.use("p"), 0, ids, fsync, 5000, config);
    const back = new Producers("t", { directoryBytes: 0 });
    for (const { entry } of producers.parts()) back.restore("p", (window) => restorePart(window, entry), config);
    back.finishRestore(5500, config);
    expect(back.find("p", 5500, config, 0)?.floor).toBe(3);
    back.finishRestore(6000, config);
    expect(back.size).toBe(0);
  });

  it("count what they take, and give it back when they are over", () => {
    const account = { directoryBytes: 0 };
    const producers = new Producers("t", account);
    const took = (name: string, now: number) =>
      producers.took(
        producers.use(name),
        0,
        { count: 1, idHigh: idHigh(now), idLow: idLow(now, 1) },
        fsync,
        now,
        CONFIG,
      );
    for (let i = 0; i < 1000; i++) took(`p${i}`, 1);
    expect(account.directoryBytes).toBeGreaterThan(1000 * 512);
    // Those that are over are looked for now and then, whoever asks.
    for (let i = 0; i < 2000; i++) took(`q${i}`, 2000);
    expect(producers.size).toBe(2000);
    producers.clear();
    expect(account.directoryBytes).toBe(0);
  });

  it("are forgotten while they are read back, when others came so much later", () => {
    const producers = new Producers("t", { directoryBytes: 0 });
    let most = 0;
    for (let i = 0; i < 20_000; i++) {
      const at = 100 * i;
      producers.restore(
        `p${i}`,
        (window) => window.restore(0, 1, idHigh(at), idLow(at, 1), fsync, CONFIG.dedupWindow),
        CONFIG,
      );
      most = Math.max(most, producers.size);
    }
    expect(most).toBeLessThan(200);
    expect(producers.find("p19999", 100 * 20_000 + EPOCH, CONFIG, 0)?.next).toBe(1);
  });

  it("are forgotten when they have had all answers, and not before, so that others have room", () => {
    const account = { directoryBytes: 0 };
    const producers = new Producers("t", account);
    const took = (name: string, config: typeof CONFIG): void =>
      producers.took(producers.use(name), 0, { count: 3, idHigh: idHigh(1), idLow: idLow(1, 1) }, fsync, 1, config);
    took("p", CONFIG);
    expect([producers.answered("p", 2), producers.answered("q", 3)]).toEqual([false, false]);
    expect(producers.find("p", 1, CONFIG, 0)?.known(2, 9)).toBe(1);
    expect([producers.answered("p", 3), producers.size, account.directoryBytes]).toEqual([true, 0, 0]);
    // Nothing is remembered of its messages, which may come again all the same.
    const nothing = { ...CONFIG, dedupMessages: 0 };
    took("p", nothing);
    expect([producers.answered("p", 2), producers.find("p", 1, nothing, 0)?.floor]).toEqual([false, 3]);
    expect(producers.answered("p", 3)).toBe(true);
    for (let i = 0; i < MAX_PRODUCERS + 10; i++) {
      expect(producers.hasRoom(`p${i}`, 1, CONFIG)).toBe(true);
      took(`p${i}`, CONFIG);
      producers.answered(`p${i}`, 3);
    }
  });

  it("give back what runs take that their producers have had the answers to, or that are too old when all is read back", () => {
    const account = { directoryBytes: 0 };
    const producers = new Producers("t", account);
    const took = (sequence: number, now: number) =>
      producers.took(
        producers.use("p"),
        sequence,
        { count: 1, idHigh: idHigh(now), idLow: idLow(now, 1) },
        fsync,
        now,
        {
          dedupWindow: 100_000,
          dedupMessages: 100_000,
        },
      );
    for (let i = 0; i < 5000; i++) took(2 * i, i);
    const full = account.directoryBytes;
    expect(producers.find("p", 5000, CONFIG, 8000)?.floor).toBe(8000);
    expect(account.directoryBytes).toBeLessThan(full / 2);
    producers.finishRestore(5000, { dedupWindow: 100, dedupMessages: 1 });
    producers.clear();
    expect(account.directoryBytes).toBe(0);
  });

  it("are no more than there may be", () => {
    const producers = new Producers("t", { directoryBytes: 0 });
    for (let i = 0; i < MAX_PRODUCERS; i++) {
      const ids = { count: 1, idHigh: idHigh(1), idLow: idLow(1, 1) };
      producers.took(producers.use(`p${i}`), 0, ids, fsync, 1, CONFIG);
    }
    expect(producers.hasRoom("another", 500, CONFIG)).toBe(false);
    expect(producers.hasRoom("p7", 500, CONFIG)).toBe(true);
    expect(producers.hasRoom("another", 1400, CONFIG)).toBe(false);
    expect(producers.hasRoom("another", 2500, CONFIG)).toBe(true);
    expect(producers.size).toBe(0);
  });
});
