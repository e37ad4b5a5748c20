/** The loop of a shard's thread: steps its pump, and sleeps on the inbox in between. */
import type { RingReader } from "../channel/ring-reader.js";
import { Doing, type Pulse } from "./pulse.js";
import type { Pump } from "./pump.js";

/** The longest sleep, in milliseconds. It only limits the damage if the pump returns a wrong time. */
const MAX_SLEEP = 60_000;

export interface ThreadLoop {
  readonly inbox: Pick<RingReader, "wait">;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
  readonly pulse: Pulse;
}

/** Runs a pump until it is over. Blocks the thread while there is nothing to do. Throws what a step throws. */
export const runPump = (pump: Pump, { inbox, clock, pulse }: ThreadLoop): void => {
  while (!pump.isOver) {
    const until = pump.step(clock());
    const sleep = Math.min(until - clock(), MAX_SLEEP);
    if (sleep <= 0) continue;
    pulse.at(Doing.asleep);
    inbox.wait(sleep);
  }
  pump.end();
};
