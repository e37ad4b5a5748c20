/** Whether something that comes in parts, a frame or a command, gets on. */

/** So much must come, or its end, within that many milliseconds. */
export const PROGRESS_BYTES = 64 * 1024;
export const PROGRESS_TIMEOUT = 10_000;

export class ProgressWatch {
  /** Bytes that have come, the end of something counting as enough; only ever more. */
  #progress = 0;
  /** Of `#progress`: at the last sweep, and when it was last enough. */
  #swept = 0;
  #mark = 0;
  #markedAt: number | undefined;
  /** Something was waited for at the last sweep. */
  #wasWaiting = false;
  /** Little or nothing has come between the last two sweeps. */
  isStalled = false;

  /** Bytes have come. */
  add(bytes: number): void {
    this.#progress += bytes;
  }

  /** The end has come. */
  complete(): void {
    this.#progress += PROGRESS_BYTES;
    this.isStalled = false;
  }

  /**
   * About once a second. False: too little has come for too long. `isPaused`: nothing can come, so there is no deadline;
   * `isExcused`: nor is that the client's doing.
   */
  sweep(now: number, isWaiting: boolean, isPaused: boolean, isExcused: boolean): boolean {
    this.isStalled = isWaiting && this.#wasWaiting && !isExcused && this.#progress - this.#swept < PROGRESS_BYTES;
    this.#wasWaiting = isWaiting;
    this.#swept = this.#progress;
    if (!isWaiting || isPaused) {
      this.#markedAt = undefined;
    } else if (this.#markedAt === undefined || this.#progress - this.#mark >= PROGRESS_BYTES) {
      this.#mark = this.#progress;
      this.#markedAt = now;
    }
    return this.#markedAt === undefined || now - this.#markedAt <= PROGRESS_TIMEOUT;
  }
}
