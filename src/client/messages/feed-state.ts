/**
 * Whether more messages may come, and the wait of the program for the next ones.
 */
import { type Deferred, deferred } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";

export class FeedState {
  readonly #closed = deferred<RingmqError | undefined>();
  #isOver = false;
  /** Why it ended, until `wait` has thrown it. */
  #error: RingmqError | undefined;
  #wake: Deferred<true> | undefined;

  /** Resolves when nothing more will come: with the reason, or with undefined when there is none. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing more will come. Only the first call has an effect. */
  end(error: RingmqError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#closed.resolve(error);
    this.wakeUp();
  }

  /** Messages have come. */
  wakeUp(): void {
    this.#wake?.resolve(true);
    this.#wake = undefined;
  }

  /**
   * To be called when there is no message. Resolves with true when some may have come, with false when none will. Rejects
   * once with the reason of the end.
   */
  wait(): Promise<boolean> {
    // Not an async function: on a busy queue it would be one more for every few messages.
    if (!this.#isOver) {
      this.#wake ??= deferred();
      return this.#wake.promise;
    }
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve(false) : Promise.reject(error);
  }
}
