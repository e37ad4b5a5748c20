/**
 * The state of a program's loop over messages: at a message, waiting for the next one, or finished.
 *
 * A drain waits until the loop has read everything. But the loop itself may be awaiting that drain, and then it never
 * asks for another message. Only time tells such a loop from one that is busy: a busy loop, too, is at a message when its
 * drain begins, and a loop that was waiting then may be at a message when it comes to await the drain. So a loop that
 * stays at one message for too long is taken for one that awaits the drain.
 */
import { deferred } from "../base/deferred.js";
import { startTimer } from "../base/timer.js";

/** How often to check whether the loop has moved on. Milliseconds. */
const CHECK_INTERVAL = 50;

export class ReadLoop<T> {
  /** What the loop was given last, until it asks for more. */
  current: T | undefined;
  /** The program has asked for a message. */
  isStarted = false;
  readonly #finished = deferred<void>();
  #isFinished = false;

  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** The program has read everything, or has left the loop. */
  finish(): void {
    this.current = undefined;
    this.#isFinished = true;
    this.#finished.resolve();
  }

  /**
   * Resolves with true when the loop has finished, with false when it has stayed at the same message for as long as
   * `limit` says, in milliseconds.
   */
  async waitForEnd(limit: (current: T) => number): Promise<boolean> {
    let last: T | undefined;
    // Checks are counted, not time: a program that blocks the event loop for long is not one that waits.
    for (let checks = 0; !this.#isFinished; checks++) {
      const { current } = this;
      if (current === undefined || current !== last) checks = 0;
      else if (checks * CHECK_INTERVAL >= limit(current)) return false;
      last = current;
      await this.#nextCheck();
    }
    return true;
  }

  async #nextCheck(): Promise<void> {
    const due = deferred<void>();
    const timer = startTimer(CHECK_INTERVAL, due.resolve);
    await Promise.race([this.#finished.promise, due.promise]);
    timer.cancel();
  }
}
