/**
 * The bytes that may be on their way: what bounds the memory of a program that publishes faster than the broker
 * takes.
 */
import { type Deferred, deferred } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";

/**
 * So many bytes keep a broker busy. More would only wait, and young memory that waits is copied by the collector: three
 * times the work for a message.
 */
const BUSY = 4 * 1024 * 1024;

export class Allowance {
  readonly #max: number;
  /** Below this there is room. */
  readonly #low: number;
  #held = 0;
  #room: Deferred<void> | undefined;
  /** Why nothing will be given back any more. */
  #over: RingmqError | undefined;

  constructor(max: number) {
    this.#max = max;
    this.#low = Math.min(BUSY, max / 2);
  }

  /** Bytes on their way. */
  get held(): number {
    return this.#held;
  }

  /** Takes bytes, to be given back when their request is answered. Throws CLIENT_BUSY when there are none left. */
  take(bytes: number): void {
    // At least one request may always go, however large.
    if (this.#held > 0 && this.#held + bytes > this.#max) {
      throw localError("CLIENT_BUSY", `${this.#held} bytes are on their way; wait for ready()`);
    }
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
    if (this.#room === undefined || this.#held > this.#low) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  /** Resolves when few enough bytes are held for another to be welcome. */
  ready(): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    if (this.#held <= this.#low) return Promise.resolve();
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /** Nothing will be given back: whoever waits for room, now or later, is told why. */
  fail(error: RingmqError): void {
    this.#over ??= error;
    this.#room?.reject(error);
    this.#room = undefined;
  }
}
