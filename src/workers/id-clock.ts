/** The clock of message ids: one word of shared memory, from which the shards of a broker reserve milliseconds. */
import { EPOCH } from "../protocol/id.js";
import type { IdSource } from "../shard/messages/id-allocator.js";

/**
 * The id source of a shard's thread; all threads of a broker share `memory`. BigInts are cheap enough: a millisecond is
 * reserved once for up to 4,096 messages.
 */
export const sharedIdSource = (memory: SharedArrayBuffer): IdSource => {
  const last = new BigInt64Array(memory);
  return {
    next(now) {
      const present = BigInt(Math.floor(now) - EPOCH);
      for (;;) {
        // The exchange reserves the millisecond for this thread alone.
        const seen = Atomics.load(last, 0);
        const next = present > seen ? present : seen + 1n;
        if (Atomics.compareExchange(last, 0, seen, next) === seen) return Number(next);
      }
    },
  };
};

/** From now on no millisecond up to this one (since `EPOCH`) is handed out. */
export const raiseIdClock = (memory: SharedArrayBuffer, millisecond: number): void => {
  const last = new BigInt64Array(memory);
  const floor = BigInt(Math.floor(millisecond));
  let seen = Atomics.load(last, 0);
  // If another thread wins the exchange, check again: it may have raised the clock far enough.
  while (seen < floor) {
    const found = Atomics.compareExchange(last, 0, seen, floor);
    if (found === seen) return;
    seen = found;
  }
};
