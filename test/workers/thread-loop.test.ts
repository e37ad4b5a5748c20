/** How the loop of a shard's thread spends the time between the steps of its pump. */
import { expect, it } from "vitest";
import { Doing, Pulse, PulseReader } from "../../src/workers/pulse.js";
import type { Pump } from "../../src/workers/pump.js";
import { runPump, type ThreadLoop } from "../../src/workers/thread-loop.js";

interface Step {
  /** What the step returns, in milliseconds from now. */
  readonly due: number;
}

/** Runs a pump that takes these steps. Returns the waits at the inbox, and what happened last. */
const run = (
  steps: readonly Step[],
  gauges?: ThreadLoop["gauges"],
): { readonly waits: readonly number[]; readonly isEnded: boolean } => {
  let now = 1_000;
  const left = [...steps];
  let last: Step | undefined;
  let isEnded = false;
  const memory = new SharedArrayBuffer(16);
  const pulse = new PulseReader(memory);
  const pump = {
    get isOver(): boolean {
      return left.length === 0;
    },
    step: (at: number): number => {
      expect(at).toBe(now);
      last = left.shift();
      return at + (last?.due ?? 0);
    },
    end: (): void => {
      isEnded = true;
    },
  };
  const waits: number[] = [];
  const wait = (milliseconds: number): void => {
    expect(pulse.isAsleep).toBe(true);
    waits.push(milliseconds);
    now += Math.min(milliseconds, 10);
  };
  const ownPulse = new Pulse(memory);
  ownPulse.at(Doing.requests);
  runPump(pump as unknown as Pump, { inbox: { wait, isEmpty: true }, clock: () => now, pulse: ownPulse, gauges });
  return { waits, isEnded };
};

it("steps again at once when there is more to do, and ends the pump when it is over", () => {
  expect(run([{ due: 0 }, { due: -5 }, { due: 0 }])).toEqual({ waits: [], isEnded: true });
});

it("sleeps at its inbox until the next step is due, for a minute at most", () => {
  const { waits } = run([{ due: 250 }, { due: Number.POSITIVE_INFINITY }]);
  expect(waits).toEqual([250, 60_000]);
});

it("wakes for the gauges, and goes back to sleep without a step", () => {
  // The clock begins at 1,000, and each wait lasts 10 ms at most.
  const looks: number[] = [];
  const stepped: number[][] = [];
  const gauges = {
    stepped: (begin: number, end: number): void => void stepped.push([begin, end]),
    look: (now: number): number => {
      looks.push(now);
      return now < 1_005 ? 1_005 : Number.POSITIVE_INFINITY;
    },
  };
  const { waits } = run([{ due: 8 }, { due: 0 }], gauges);
  expect(waits).toEqual([5, 3]);
  expect(looks).toEqual([1_000, 1_005, 1_008]);
  expect(stepped).toEqual([
    [1_000, 1_000],
    [1_008, 1_008],
  ]);
});
