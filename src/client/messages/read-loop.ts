/**
 * Where a program's loop over messages is: at one that it was handed, or waiting for the next.
 *
 * Who waits for a loop to read everything may be that loop itself: then it is at a message and will not ask for another.
 * A loop that waits for its own drain cannot be told from one that takes its time, but by the time it takes. That it was
 * at a message when it was drained does not tell: so is every busy loop when its program is asked to stop, and its drain
 * must not end before it has settled that message and read the rest. Nor does that it asked for one then: it may be at
 * the next when it comes to wait for the same drain.
 */
import { deferred } from "../base/deferred.js";
import { startTimer } from "../base/timer.js";

/** How often it is looked whether the loop has gone on. Milliseconds. */
const LOOK = 50;

export class Reading<T> {
  /** What the loop was handed last, until it asks for more. */
  at: T | undefined;
  /** Somebody reads. */
  isBegun = false;
  readonly #finished = deferred<void>();
  #isFinished = false;

  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** The program has read all there is, or has left. */
  finish(): void {
    this.at = undefined;
    this.#isFinished = true;
    this.#finished.resolve();
  }

  /**
   * Waits until the loop has finished: true; or until it has been at the same place for as long as `patience` says of
   * it, in milliseconds: false.
   */
  async end(patience: (at: T) => number): Promise<boolean> {
    let at: T | undefined;
    // Looks are counted, and not time: a program that computes for long is not one that stands still.
    for (let looks = 0; !this.#isFinished; looks++) {
      const { at: now } = this;
      if (now === undefined || now !== at) looks = 0;
      else if (looks * LOOK >= patience(now)) return false;
      at = now;
      await this.#look();
    }
    return true;
  }

  async #look(): Promise<void> {
    const looked = deferred<void>();
    const timer = startTimer(LOOK, looked.resolve);
    await Promise.race([this.#finished.promise, looked.promise]);
    timer.cancel();
  }
}
