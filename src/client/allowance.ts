/**
 * The bytes that may be on their way: what bounds the memory of a program that publishes faster than the broker
 * takes.
 */
import { type Deferred, deferred } from "./deferred.js";
import { localError, type RingmqError } from "./error.js";

export class Allowance {
  readonly #max: number;
  #held = 0;
  #room: Deferred<void> | undefined;

  constructor(max: number) {
    this.#max = max;
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
    if (this.#room === undefined || this.#held > this.#max / 2) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  /** Resolves when no more than half of the bytes are held. */
  ready(): Promise<void> {
    if (this.#held <= this.#max / 2) return Promise.resolve();
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /** Nothing will be given back. */
  fail(error: RingmqError): void {
    this.#room?.reject(error);
    this.#room = undefined;
  }
}
