/** The timers of a session. One sweep a second drives those of all sessions, so they are right to a second. */
export class SessionTimers {
  /** Of the last sweep. */
  #now: number;
  #heardAt: number;
  #hasSpoken = false;
  #silence = Number.POSITIVE_INFINITY;
  #every = Number.POSITIVE_INFINITY;
  #due = Number.POSITIVE_INFINITY;
  #onBeat: (() => void) | undefined;

  /** `now` is in milliseconds, of any clock that does not step. */
  constructor(now: number) {
    this.#now = now;
    this.#heardAt = now;
  }

  /** Calls `onBeat` about every so many milliseconds. */
  heartbeat(every: number, onBeat: () => void): void {
    this.#every = every;
    this.#due = this.#now + every;
    this.#onBeat = onBeat;
  }

  /** For how many milliseconds the client may say nothing. */
  expireAfter(silence: number): void {
    this.#silence = silence;
  }

  /** The client has said something. */
  heard(): void {
    this.#hasSpoken = true;
  }

  /** Once a second. False: the client has been silent for too long. */
  sweep(now: number): boolean {
    this.#now = now;
    if (this.#hasSpoken) this.#heardAt = now;
    this.#hasSpoken = false;
    if (now - this.#heardAt >= this.#silence) return false;
    if (now >= this.#due) {
      this.#due = now + this.#every;
      this.#onBeat?.();
    }
    return true;
  }
}
