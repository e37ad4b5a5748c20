import { describe, expect, it } from "vitest";
import { EAGER_AUTO, FIRST_AUTO, MAX_AUTO, PrefetchWindow } from "../../../src/client/consume/prefetch-window.js";

const BYTES = 128;

/** A window whose messages come and go at times that a test gives. */
const open = (prefetch: number | "auto" = "auto") => {
  const window = new PrefetchWindow(prefetch);
  return {
    window,
    come: (now: number, messages: number, isFirst = true, bytes = messages * BYTES): void =>
      window.came(now, isFirst, messages, bytes),
    /** The program takes all that came, over some time. */
    empty: (from: number, messages: number, time: number, holdsAll = false): number => {
      window.came(from, true, messages, messages * BYTES);
      window.take(messages);
      window.emptied(from + time, holdsAll);
      return window.size;
    },
  };
};

describe("a window of a number", () => {
  it("stays that number", () => {
    const { window, empty } = open(500);
    for (let i = 0; i < 20; i++) empty(i, 500, 0);
    window.came(100, true, 500, 500);
    expect([window.excess(10_000, 500), window.size, window.max, window.takeChange()]).toEqual([0, 500, 500, 0]);
  });
});

describe("a window measured in time", () => {
  it("begins small, and doubles while the program empties it, to a limit", () => {
    const { window, empty } = open();
    const sizes = [window.size];
    for (let i = 0; i < 8; i++) sizes.push(empty(i * 100, window.size, 1));
    expect(sizes).toEqual([FIRST_AUTO, 32, 64, 128, 256, 512, EAGER_AUTO, EAGER_AUTO, EAGER_AUTO]);
    expect([window.takeChange(), window.takeChange()]).toEqual([EAGER_AUTO - FIRST_AUTO, 0]);
  });

  it("becomes larger when messages are settled that fast, too", () => {
    const { window, empty } = open();
    for (let i = 0; i < 6; i++) empty(i, window.size, 0);
    expect(window.size).toBe(EAGER_AUTO);
    // Each settled 60 ms after it came, whatever the program takes over it.
    for (let i = 0; i < 20; i++) expect(empty(100 + i * 60, EAGER_AUTO, 1)).toBe(EAGER_AUTO);
    // As much of it as one read brings, and the next at once.
    for (let i = 0; i < 200; i++) empty(2000 + i, 480, 1);
    expect([window.size, window.takeChange()]).toEqual([MAX_AUTO, MAX_AUTO - FIRST_AUTO]);
  });

  it("stays when less than half of it comes, and takes long to come, as where messages come one by one", () => {
    const { empty } = open();
    for (let i = 0; i < 1000; i++) expect(empty(i * 50, 7, 0)).toBe(FIRST_AUTO);
  });

  it("becomes what the program gets through in 100 ms, about, where it comes in small pieces", () => {
    const { empty, window } = open();
    for (let i = 0; i < 1000; i++) empty(i, 7, 0);
    expect(window.size).toBe(512);
  });

  it("stays when the program takes as long over it as it should", () => {
    const { empty } = open();
    expect(empty(0, FIRST_AUTO, 100)).toBe(FIRST_AUTO);
  });

  it("shrinks to what the program gets through in 100 ms, and gives the rest back", () => {
    const { window, come } = open();
    come(0, FIRST_AUTO);
    window.take(1);
    expect([window.excess(99, 15), window.excess(100, 15), window.excess(199, 15)]).toEqual([0, 0, 0]);
    window.take(1);
    expect([window.excess(200, 14), window.size, window.takeChange()]).toEqual([13, 3, -13]);
    // Each of its messages takes 5 ms: 20 in 100 ms.
    come(200, 100);
    window.take(20);
    expect(window.excess(300, 80)).toBe(0);
    window.take(20);
    expect([window.excess(400, 60), window.excess(450, 60)]).toEqual([40, 0]);
  });

  it("becomes no smaller than what the program works on at a time", () => {
    const window = new PrefetchWindow({ min: 100 });
    expect(window.size).toBe(100);
    window.came(0, true, 100, 100 * BYTES);
    window.take(100);
    window.emptied(1, false);
    expect(window.size).toBe(200);
    // A hundred are in hand for long, as many wait.
    window.came(1, true, 100, 100 * BYTES);
    expect([window.excess(200, 100), window.excess(400, 100), window.size, window.takeChange()]).toEqual([
      0, 99, 101, 1,
    ]);
    expect([window.excess(600, 1), window.excess(800, 1), window.size]).toEqual([0, 0, 101]);
    expect(new PrefetchWindow({ min: 50_000 }).max).toBe(50_000);
  });

  it("does not shrink for a process that stood still for a moment", () => {
    const { window, come } = open();
    come(0, FIRST_AUTO);
    expect(window.excess(5000, FIRST_AUTO)).toBe(0);
    window.take(FIRST_AUTO);
    come(5001, FIRST_AUTO);
    expect([window.excess(5102, FIRST_AUTO), window.takeChange()]).toEqual([0, 0]);
  });

  it("shrinks to one message at least, however long one takes", () => {
    const { window, come } = open();
    come(0, FIRST_AUTO);
    expect([window.excess(60_000, FIRST_AUTO), window.excess(120_000, FIRST_AUTO), window.size]).toEqual([0, 15, 1]);
  });

  it("does not shrink for what the program holds: only what waits is too much", () => {
    const { window, come, empty } = open();
    empty(0, FIRST_AUTO, 0);
    empty(1, FIRST_AUTO, 0);
    come(2, 10);
    expect([window.excess(1000, 2), window.excess(2000, 2), window.size]).toEqual([0, 0, 64]);
  });

  it("shrinks with the batches of a program that takes long over each", () => {
    const { empty } = open();
    expect(empty(0, FIRST_AUTO, 1600, true)).toBe(1);
    expect(open().empty(0, FIRST_AUTO, 400, true)).toBe(4);
  });

  it("holds no more than about 16 MiB of large messages, but as many as at first", () => {
    for (const [bytes, most] of [
      [64 * 1024, 256],
      [4 * 1024 * 1024, FIRST_AUTO],
    ] as const) {
      const { window, come } = open();
      for (let i = 0; i < 10; i++) {
        come(i, window.size, true, window.size * bytes);
        window.take(window.size);
        window.emptied(i, false);
      }
      expect(window.size).toBe(most);
    }
  });
});
