/**
 * The broker's clock, as far as a client can know it: by it leases end.
 */

/** How much of a TTR the reckoning may be off towards a lease that seems to end earlier than it does. */
const MAX_EARLY = 1 / 8;

export class LeaseClock {
  /** The broker's time at 0 of the program's monotonic clock. */
  readonly #offset: number;

  /** `now` is what the broker's clock showed at some time between `asked` and `answered`. All in milliseconds. */
  constructor(
    now: number,
    readonly ttr: number,
    asked: number,
    answered: number,
  ) {
    // Late rather than early, so that no lease is believed in that has ended; but a program that has just blocked its
    // event loop for longer than the TTR must not take every lease for one that has.
    this.#offset = Math.min(now - asked, now - answered + ttr * MAX_EARLY);
  }

  /** The broker's time. */
  at(now: number): number {
    return now + this.#offset;
  }
}
