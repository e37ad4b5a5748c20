/**
 * How late the event loop of a thread is: the thread looks at its clock at even intervals, and what it sees is read by another.
 */
import { SharedValuesReader, SharedValuesWriter, sharedValuesBytes } from "./shared-values.js";

/** Milliseconds between two looks. */
export const LOOK_EVERY = 100;

/** Milliseconds of looks of which the longest delay is known; it is shown until the next such window is over. */
export const LAG_WINDOW = 10_000;

/** The values: the longest delay, and when the thread has looked last; milliseconds, the latter since 1970. */
const LONGEST = 0;
const LOOKED = 1;
const VALUES = 2;

const clock = (): number => performance.timeOrigin + performance.now();

/** The side of the thread. */
export class LoopLag {
  readonly #shared: SharedValuesWriter;
  #longest = 0;
  #longestBefore = 0;
  #windowEnd = Number.NEGATIVE_INFINITY;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new SharedValuesWriter(memory);
  }

  /** Looks from now on, and keeps no thread alive. */
  start(): void {
    this.look(clock());
    setInterval(() => this.look(clock()), LOOK_EVERY).unref();
  }

  /** To be called every `LOOK_EVERY`. `now`: milliseconds since 1970. */
  look(now: number): void {
    const { values } = this.#shared;
    const before = values[LOOKED] as number;
    if (now >= this.#windowEnd) {
      this.#longestBefore = this.#longest;
      this.#longest = 0;
      this.#windowEnd = now + LAG_WINDOW;
    }
    if (before > 0) this.#longest = Math.max(this.#longest, now - before - LOOK_EVERY);
    values[LONGEST] = Math.max(this.#longest, this.#longestBefore);
    values[LOOKED] = now;
    this.#shared.publish();
  }
}

/** The other side, which has the memory. */
export class LoopLagReader {
  readonly memory = new SharedArrayBuffer(sharedValuesBytes(VALUES));
  readonly #shared = new SharedValuesReader(this.memory);

  /** The longest delay in seconds: of the last 10 to 20 seconds, or that which lasts still; 0 until the thread has begun. */
  seconds(now = clock()): number {
    const values = this.#shared.read();
    const looked = values[LOOKED] as number;
    const present = looked === 0 ? 0 : now - looked - LOOK_EVERY;
    return Math.max(values[LONGEST] as number, present, 0) / 1_000;
  }
}
