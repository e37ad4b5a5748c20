/**
 * Counts the bytes of unanswered requests. Their limit bounds the memory of a program that publishes faster than the
 * broker accepts.
 */
import { type Deferred, deferred } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";

/**
 * Enough to keep a broker busy. More only waits here, and the garbage collector copies young memory that waits: that
 * triples the work for each message.
 */
const ENOUGH_BYTES = 4 * 1024 * 1024;

export class PendingBytes {
  readonly #max: number;
  /** `ready` resolves at this total or below. */
  readonly #lowWater: number;
  #total = 0;
  #ready: Deferred<void> | undefined;
  /** Why nothing will be released any more. */
  #failure: RingmqError | undefined;

  constructor(max: number) {
    this.#max = max;
    this.#lowWater = Math.min(ENOUGH_BYTES, max / 2);
  }

  get total(): number {
    return this.#total;
  }

  /** Adds bytes, to be released when their request is answered. Throws CLIENT_BUSY when that would exceed the limit. */
  reserve(bytes: number): void {
    // One request is always accepted, however large.
    if (this.#total > 0 && this.#total + bytes > this.#max) {
      throw localError("CLIENT_BUSY", `${this.#total} bytes are on their way; wait for ready()`);
    }
    this.#total += bytes;
  }

  release(bytes: number): void {
    this.#total -= bytes;
    if (this.#ready === undefined || this.#total > this.#lowWater) return;
    this.#ready.resolve();
    this.#ready = undefined;
  }

  /** Resolves when the total is at the low-water mark or below. Rejects once `fail` was called. */
  ready(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#total <= this.#lowWater) return Promise.resolve();
    this.#ready ??= deferred();
    return this.#ready.promise;
  }

  /** The connection has ended: every `ready`, now or later, rejects with this. */
  fail(error: RingmqError): void {
    this.#failure ??= error;
    this.#ready?.reject(error);
    this.#ready = undefined;
  }
}
