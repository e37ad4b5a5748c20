import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimingWheel } from "../../../src/shard/messages/timing-wheel.js";

const UNBOUNDED = Number.POSITIVE_INFINITY;
const DAY = 24 * 3600 * 1000;
const YEAR = 365 * DAY;
const START = Date.UTC(2026, 0, 1);

/** Plays the wheel up to `now` and answers the keys that fired. */
const play = (wheel: TimingWheel, now: number, budget = UNBOUNDED): number[] => {
  const fired: number[] = [];
  while (wheel.advance(now, (key) => fired.push(key), budget)) wheel.invariants();
  wheel.invariants();
  return fired;
};

const wheelFor = (keys: number): TimingWheel => {
  const wheel = new TimingWheel(START);
  wheel.grow(keys);
  return wheel;
};

describe("timing wheel", () => {
  it.each([1, 63, 64, 65, 4095, 4096, 4097, 262_144, DAY, YEAR, 10 * YEAR])(
    "fires a timer of %i ms in its millisecond and not before",
    (delay) => {
      const wheel = wheelFor(1);
      wheel.schedule(0, START + delay);
      expect(play(wheel, START + delay - 1)).toEqual([]);
      expect(wheel.nextDue()).toBeLessThanOrEqual(START + delay);
      expect(play(wheel, START + delay)).toEqual([0]);
      expect(wheel.size).toBe(0);
      expect(wheel.nextDue()).toBe(Number.POSITIVE_INFINITY);
    },
  );

  it("rounds a fraction of a millisecond up, so that no timer is early", () => {
    const wheel = wheelFor(1);
    wheel.schedule(0, START + 10.25);
    expect(play(wheel, START + 10.9)).toEqual([]);
    expect(play(wheel, START + 11)).toEqual([0]);
  });

  it("fires on the next call what was due before it was scheduled", () => {
    const wheel = wheelFor(1);
    play(wheel, START + 1000);
    wheel.schedule(0, START + 1);
    expect(play(wheel, START + 1000)).toEqual([0]);
  });

  it("fires the timers of one tick in the order in which they were scheduled, through every cascade", () => {
    const wheel = wheelFor(300);
    const due = START + 70_000;
    for (let key = 299; key >= 0; key--) wheel.schedule(key, due);
    const expected = Array.from({ length: 300 }, (_, i) => 299 - i);
    expect(play(wheel, due - 1)).toEqual([]);
    expect(play(wheel, due)).toEqual(expected);
  });

  it("moves a timer that is scheduled again and counts it once", () => {
    const wheel = wheelFor(1);
    wheel.schedule(0, START + 10);
    wheel.schedule(0, START + 5000);
    expect(wheel.size).toBe(1);
    expect(wheel.dueOf(0)).toBe(START + 5000);
    expect(play(wheel, START + 4999)).toEqual([]);
    expect(play(wheel, START + 5000)).toEqual([0]);
  });

  it("lets a firing timer schedule itself and others", () => {
    const wheel = wheelFor(2);
    const fired: [key: number, at: number][] = [];
    let now = START;
    const fire = (key: number): void => {
      fired.push([key, now - START]);
      if (key === 0 && fired.length < 4) wheel.schedule(0, now + 100);
      if (key === 0) wheel.schedule(1, now + 1);
    };
    wheel.schedule(0, START + 100);
    for (; now <= START + 500; now++) expect(wheel.advance(now, fire, UNBOUNDED)).toBe(false);
    expect(fired).toEqual([
      [0, 100],
      [1, 101],
      [0, 200],
      [1, 201],
      [0, 300],
      [1, 301],
    ]);
  });

  it("stays put when time steps back", () => {
    const wheel = wheelFor(2);
    wheel.schedule(0, START + 100);
    play(wheel, START + 50);
    expect(play(wheel, START - YEAR)).toEqual([]);
    wheel.schedule(1, START + 60);
    expect(play(wheel, START + 59)).toEqual([]);
    expect(play(wheel, START + 60)).toEqual([1]);
    expect(play(wheel, START + 100)).toEqual([0]);
  });

  it("does not keep a due timer behind a bucket that a small budget left half cascaded", () => {
    const wheel = wheelFor(64);
    // All in the bucket of the second 64 ms, the latest first: the first to cascade are the last to be due.
    for (let key = 0; key < 64; key++) wheel.schedule(key, START + 127 - key);
    for (let now = START; now <= START + 127; now++) {
      expect(play(wheel, now, 3)).toEqual(now < START + 64 ? [] : [127 - (now - START)]);
    }
  });

  it("does as much as its budget and says that there is more", () => {
    const wheel = wheelFor(1000);
    for (let key = 0; key < 1000; key++) wheel.schedule(key, START + 10);
    let fired = 0;
    let calls = 0;
    while (wheel.advance(START + 10, () => fired++, 100)) {
      calls++;
      expect(fired).toBeLessThanOrEqual(calls * 100);
      expect(wheel.nextDue()).toBeLessThanOrEqual(START + 10);
    }
    expect(fired).toBe(1000);
    expect(calls).toBeGreaterThanOrEqual(9);
  });

  it("fires what a sorted list would, whatever is scheduled, moved and cancelled between steps of any size", () => {
    const delay = fc.oneof(fc.nat(200), fc.nat(10_000), fc.nat(DAY), fc.nat(10 * YEAR));
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.record({ schedule: fc.nat(31), delay }) },
      { weight: 1, arbitrary: fc.record({ cancel: fc.nat(31) }) },
      {
        weight: 3,
        arbitrary: fc.record({ step: fc.oneof(fc.nat(3), delay), budget: fc.constantFrom(1, 2, 7, UNBOUNDED) }),
      },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const wheel = wheelFor(32);
        const expected = new Map<number, number>();
        let now = START;
        for (const act of actions) {
          if ("schedule" in act) {
            wheel.schedule(act.schedule, now + act.delay);
            expected.set(act.schedule, now + act.delay);
          } else if ("cancel" in act) {
            wheel.cancel(act.cancel);
            expected.delete(act.cancel);
          } else {
            now += act.step;
            const fired = play(wheel, now, act.budget);
            const dues = fired.map((key) => expected.get(key) ?? Number.NaN);
            const due = [...expected.keys()].filter((key) => (expected.get(key) ?? now) <= now);
            expect([...fired].sort((a, b) => a - b)).toEqual(due.sort((a, b) => a - b));
            expect(dues).toEqual([...dues].sort((a, b) => a - b));
            for (const key of fired) expected.delete(key);
          }
          wheel.invariants();
          expect(wheel.size).toBe(expected.size);
          expect(wheel.nextDue()).toBeLessThanOrEqual(Math.min(Number.POSITIVE_INFINITY, ...expected.values()));
          for (let key = 0; key < 32; key++) expect(wheel.isScheduled(key)).toBe(expected.has(key));
        }
      }),
      { numRuns: 500 },
    );
  });
});
