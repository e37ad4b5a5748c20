/**
 * Hands out message ids. All shards of a node share one sequence of milliseconds: a shard claims a millisecond that no
 * other has and numbers up to 4,096 messages in it. Beyond four million ids a second a node runs ahead of the clock
 * instead of stalling; when the load falls, the clock catches up.
 */
import { idHigh, idLow, SEQUENCES } from "../../protocol/id.js";

/** Where milliseconds come from. */
export interface IdSource {
  /**
   * A millisecond since the `EPOCH` of ids that no shard of this node has been given before: that of `now` (milliseconds
   * since 1970) if it is free, otherwise the first free one.
   */
  next(now: number): number;
}

/** A source for a single shard: a test, or a broker in a browser. */
export const localIdSource = (epoch: number): IdSource => {
  let last = 0;
  return {
    next(now) {
      last = Math.max(last + 1, Math.floor(now) - epoch);
      return last;
    },
  };
};

export class IdAllocator {
  /** The first id that the last `take` took. */
  high = 0;
  low = 0;
  /** The millisecond that is being numbered, since the EPOCH of ids. */
  millisecond = 0;
  #sequence = SEQUENCES;
  #claimedAt = 0;
  #low = 0;

  /** `staleAfter`: milliseconds after which a claim is given up, so that ids stay roughly ordered by time. */
  constructor(
    readonly source: IdSource,
    readonly node: number,
    readonly staleAfter: number,
  ) {}

  /** Takes `count` (1 to 4,096) consecutive ids and leaves the first in `high` and `low`. */
  take(count: number, now: number): void {
    if (this.#sequence + count > SEQUENCES || now - this.#claimedAt >= this.staleAfter) {
      const millisecond = this.source.next(now);
      this.#claimedAt = now;
      this.millisecond = millisecond;
      this.#sequence = 0;
      this.high = idHigh(millisecond);
      this.#low = idLow(millisecond, this.node);
    }
    this.low = this.#low + this.#sequence;
    this.#sequence += count;
  }
}
