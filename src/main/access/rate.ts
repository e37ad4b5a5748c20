/**
 * A rate that is kept on average: a bucket that fills at so much a second, up to a second's worth, and may be overdrawn by what
 * has come already. While it is overdrawn nothing more should be taken. Time is an argument, in milliseconds.
 */
export class Rate {
  #perMillisecond: number;
  #level: number;
  #at: number;

  constructor(perSecond: number, now: number) {
    this.#perMillisecond = perSecond / 1_000;
    this.#level = perSecond;
    this.#at = now;
  }

  /** From now on it fills at another speed. */
  set(perSecond: number): void {
    this.#perMillisecond = perSecond / 1_000;
    this.#level = Math.min(this.#level, perSecond);
  }

  take(amount: number, now: number): void {
    this.#fill(now);
    this.#level -= amount;
  }

  /** Milliseconds until it is overdrawn no more; 0: it is not. */
  wait(now: number): number {
    this.#fill(now);
    return this.#level >= 0 ? 0 : Math.ceil(-this.#level / this.#perMillisecond);
  }

  #fill(now: number): void {
    if (now <= this.#at) return;
    this.#level = Math.min(this.#perMillisecond * 1_000, this.#level + (now - this.#at) * this.#perMillisecond);
    this.#at = now;
  }
}
