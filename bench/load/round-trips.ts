/**
 * Round trips one after another.
 */
export class RoundTrips {
  readonly #begin: () => void;
  #next = (): void => {};

  /** `begin` sends what begins a trip. */
  constructor(begin: () => void) {
    this.#begin = begin;
  }

  /** The trip is over: the next one begins. */
  next(): void {
    this.#next();
  }

  /** Resolves with the number of trips: `count`, or fewer when this many seconds have passed. */
  run(count: number, seconds: number): Promise<number> {
    return new Promise((resolve) => {
      const deadline = performance.now() + seconds * 1000;
      let made = 0;
      this.#next = () => {
        if (made === count || performance.now() > deadline) return resolve(made);
        made++;
        this.#begin();
      };
      this.#next();
    });
  }
}
