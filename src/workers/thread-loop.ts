/** The loop of a shard's thread: steps its pump, and sleeps on the inbox in between. */
import type { RingReader } from "../channel/ring-reader.js";
import { Doing, type Pulse } from "./pulse.js";
import type { Pump } from "./pump.js";
import type { ShardGauges } from "./shard-gauges.js";

/** The longest sleep, in milliseconds. It only limits the damage if the pump returns a wrong time. */
const MAX_SLEEP = 60_000;

const NEVER = Number.POSITIVE_INFINITY;

export interface ThreadLoop {
  readonly inbox: Pick<RingReader, "wait" | "isEmpty">;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
  readonly pulse: Pulse;
  /** Undefined: there are none. */
  readonly gauges?: Pick<ShardGauges, "stepped" | "look"> | undefined;
}

/** Runs a pump until it is over. Blocks the thread while there is nothing to do. Throws what a step throws. */
export const runPump = (pump: Pump, { inbox, clock, pulse, gauges }: ThreadLoop): void => {
  let now = clock();
  while (!pump.isOver) {
    const until = pump.step(now);
    const end = clock();
    gauges?.stepped(now, end);
    now = end;
    let look = gauges?.look(now) ?? NEVER;
    while (until > now) {
      pulse.at(Doing.asleep);
      inbox.wait(Math.min(until - now, look - now, MAX_SLEEP));
      now = clock();
      // It may have woken for the gauges alone.
      if (now < look || !inbox.isEmpty) break;
      look = gauges?.look(now) ?? NEVER;
    }
  }
  pump.end();
};
