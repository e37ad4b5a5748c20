/**
 * The milliseconds that the shards of a broker number their messages in: one word of shared memory.
 */
import { EPOCH } from "../protocol/id.js";
import type { IdSource } from "../shard/messages/id-allocator.js";

/** What the word takes. */
export const ID_CLOCK_BYTES = 8;

/**
 * A source for one shard thread; all threads of a broker share `memory`. BigInt is no cost here: a millisecond is
 * claimed once for up to 4,096 messages.
 */
export const sharedIdSource = (memory: SharedArrayBuffer): IdSource => {
  const last = new BigInt64Array(memory);
  return {
    next(now) {
      const present = BigInt(Math.floor(now) - EPOCH);
      for (;;) {
        // Sequentially consistent; the exchange is what makes the millisecond ours alone.
        const seen = Atomics.load(last, 0);
        const next = present > seen ? present : seen + 1n;
        if (Atomics.compareExchange(last, 0, seen, next) === seen) return Number(next);
      }
    },
  };
};

/** No id of a millisecond up to `millisecond` (since `EPOCH`) is handed out from now on. */
export const raiseIdClock = (memory: SharedArrayBuffer, millisecond: number): void => {
  const last = new BigInt64Array(memory);
  const floor = BigInt(Math.floor(millisecond));
  let seen = Atomics.load(last, 0);
  // Whoever loses the exchange to another thread looks again: that one may have raised it enough.
  while (seen < floor) {
    const found = Atomics.compareExchange(last, 0, seen, floor);
    if (found === seen) return;
    seen = found;
  }
};
