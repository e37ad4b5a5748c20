/**
 * Slows a queue down while nearly everything that it hands out fails: to ten messages a second at first, and to half of
 * that after each message that it lets through, until one is acked. Then it is off at once. Times are milliseconds since 1970.
 */
import { bits, popcount } from "./extent.js";

/** Finished deliveries that are looked at, and how many there are before anything is decided. */
const WINDOW = 32;
const MIN_FINISHED = 20;

/** Between two messages, at first and at most. */
const MIN_INTERVAL = 100;
const MAX_INTERVAL = 12_800;

export class Brake {
  /** The last deliveries that have ended, the newest in bit 0: 1 for one that has failed. */
  #failed = 0;
  /** How many of the bits say something. */
  #finished = 0;
  /** Between the message that was let through last and the next one; 0: the brake is off. */
  #interval = 0;
  /** When the next message is let through. */
  #openAt = 0;

  get isOn(): boolean {
    return this.#interval > 0;
  }

  /** When the next message may go; it is over if any may. */
  get openAt(): number {
    return this.isOn ? this.#openAt : 0;
  }

  /** Messages a second; 0: any number. */
  get rate(): number {
    return this.isOn ? 1000 / this.#interval : 0;
  }

  /** Deliveries have failed. `share`: of all that end, from which the brake goes on. */
  failed(count: number, share: number, now: number): void {
    const n = Math.min(count, WINDOW);
    this.#shift(n);
    this.#failed |= bits(0, n);
    if (this.isOn || this.#finished < MIN_FINISHED || popcount(this.#failed) < share * this.#finished) return;
    this.#interval = MIN_INTERVAL;
    this.#openAt = now + MIN_INTERVAL;
  }

  /** Messages were acked. True: that has taken the brake off. */
  succeeded(count: number): boolean {
    this.#shift(Math.min(count, WINDOW));
    if (!this.isOn) return false;
    this.#interval = 0;
    this.#failed = 0;
    this.#finished = 0;
    return true;
  }

  /** A message was let through at its time. */
  letThrough(now: number): void {
    if (!this.isOn) return;
    this.#openAt = now + this.#interval;
    this.#interval = Math.min(this.#interval * 2, MAX_INTERVAL);
  }

  #shift(count: number): void {
    this.#failed = count === WINDOW ? 0 : this.#failed << count;
    this.#finished = Math.min(WINDOW, this.#finished + count);
  }
}
