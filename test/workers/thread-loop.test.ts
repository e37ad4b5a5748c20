/** How the loop of a shard's thread spends the time between the steps of its pump. */
import { expect, it } from "vitest";
import { Doing, Pulse, PulseReader } from "../../src/workers/pulse.js";
import type { Pump } from "../../src/workers/pump.js";
import { runPump } from "../../src/workers/thread-loop.js";

interface Step {
  /** What the step returns, in milliseconds from now. */
  readonly due: number;
}

/** Runs a pump that takes these steps. Returns the waits at the inbox, and what happened last. */
const run = (steps: readonly Step[]): { readonly waits: readonly number[]; readonly isEnded: boolean } => {
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
  runPump(pump as unknown as Pump, { inbox: { wait }, clock: () => now, pulse: ownPulse });
  return { waits, isEnded };
};

it("steps again at once when there is more to do, and ends the pump when it is over", () => {
  expect(run([{ due: 0 }, { due: -5 }, { due: 0 }])).toEqual({ waits: [], isEnded: true });
});

it("sleeps at its inbox until the next step is due, for a minute at most", () => {
  const { waits } = run([{ due: 250 }, { due: Number.POSITIVE_INFINITY }]);
  expect(waits).toEqual([250, 60_000]);
});
