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
  /** What this is a part of, whose limit counts for all parts together. */
  readonly #whole: PendingBytes | undefined;
  /** `ready` resolves at this total or below. */
  readonly #lowWater: number;
  #total = 0;
  #ready: Deferred<void> | undefined;
  #empty: Deferred<void> | undefined;
  /** Why nothing will be released any more. */
  #failure: RingmqError | undefined;

  constructor(max: number, whole?: PendingBytes) {
    this.#max = max;
    this.#whole = whole;
    this.#lowWater = Math.min(ENOUGH_BYTES, max / 2);
  }

  get total(): number {
    return this.#total;
  }

  /** Adds bytes, to be released when their request is answered. Throws CLIENT_BUSY when that would exceed the limit. */
  reserve(bytes: number): void {
    if (this.#whole !== undefined) this.#whole.reserve(bytes);
    // One request is always accepted, however large.
    else if (this.#total > 0 && this.#total + bytes > this.#max) {
      throw localError("CLIENT_BUSY", `${this.#total} bytes are on their way; wait for ready()`);
    }
    this.#total += bytes;
  }

  /** As `reserve`, for what was accepted before: it never throws. */
  hold(bytes: number): void {
    this.#total += bytes;
  }

  release(bytes: number): void {
    // After a failure the whole has been given everything back.
    if (this.#failure === undefined) this.#whole?.release(bytes);
    this.#total -= bytes;
    if (this.#total === 0 && this.#empty !== undefined) {
      this.#empty.resolve();
      this.#empty = undefined;
    }
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

  /** Resolves when nothing is on its way. */
  empty(): Promise<void> {
    if (this.#total === 0) return Promise.resolve();
    this.#empty ??= deferred();
    return this.#empty.promise;
  }

  /** The connection has ended: every `ready`, now or later, rejects with this. */
  fail(error: RingmqError): void {
    if (this.#failure === undefined) this.#whole?.release(this.#total);
    this.#failure ??= error;
    this.#ready?.reject(error);
    this.#ready = undefined;
  }
}
