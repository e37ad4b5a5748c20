/**
 * Wakes the other end of a ring. A bell is one word of shared memory. Its owner writes ASLEEP before it sleeps; the
 * other end writes AWAKE when it rings. Only a sleeper is rung, because a notify costs as much as several records.
 *
 * No wake-up is lost: all four accesses are sequentially consistent, so whichever thread comes second sees what the
 * other has written:
 *
 * ```
 *   owner                                 other end
 *   1  store ASLEEP to the bell           a  store its counter
 *   2  look at the counter once more      b  look at the bell
 *   3  wait while the bell is ASLEEP      c  store AWAKE, notify
 * ```
 *
 * If 1 comes before b the owner is rung: either it waits already, or its wait finds AWAKE and returns. Otherwise a, b,
 * 1 and 2 happened in this order, and 2 sees the counter.
 *
 * Only the other end writes AWAKE. An owner that need not sleep after all leaves ASLEEP behind, which costs the other
 * end one notify that wakes nobody. If it cleared the word, it could clear it while one of its promises still waits.
 */

const AWAKE = 0;
const ASLEEP = 1;

const READY: Promise<void> = Promise.resolve();

/** Wakes the owner of the bell if it sleeps. Call it after the store that the owner waits for, which must be atomic. */
export const ring = (words: Int32Array<SharedArrayBuffer>, bell: number): void => {
  // Sequentially consistent: must not move before the store of the counter (b after a).
  if (Atomics.load(words, bell) === AWAKE) return;
  // Before the notify: an owner that is about to wait must find it.
  Atomics.store(words, bell, AWAKE);
  // Wake all: a blocked thread and one of its promises may wait on the same bell.
  Atomics.notify(words, bell);
};

/** Whether the owner sleeps or is about to. Sequentially consistent, like the load in `ring`. */
export const isAsleep = (words: Int32Array<SharedArrayBuffer>, bell: number): boolean =>
  Atomics.load(words, bell) === ASLEEP;

/** The owner's side of a bell. */
export class Doorbell {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bell: number;
  readonly #ready: () => boolean;
  readonly #spins: number;
  /** The pending asynchronous wait. V8 keeps a waiter until it is notified, so there is never a second one. */
  #pending: Promise<void> | undefined;

  /**
   * `ready` says whether there is no need to sleep; it reads the other end's counter with Atomics. `spins` is how often
   * a thread that may block checks it before it sleeps.
   */
  constructor(words: Int32Array<SharedArrayBuffer>, bell: number, ready: () => boolean, spins: number) {
    this.#words = words;
    this.#bell = bell;
    this.#ready = ready;
    this.#spins = spins;
  }

  /** Blocks the thread until `ready`, or for `timeoutMs` milliseconds (Infinity: for ever). */
  sleep(timeoutMs: number): void {
    if (Number.isNaN(timeoutMs)) throw new RangeError("a timeout is a number of milliseconds");
    for (let i = 0; i <= this.#spins; i++) if (this.#ready()) return;
    const deadline = performance.now() + timeoutMs;
    for (let left = timeoutMs; left > 0; left = deadline - performance.now()) {
      Atomics.store(this.#words, this.#bell, ASLEEP);
      if (this.#ready()) return;
      // With respect to `notify`, comparing the bell and going to sleep is one atomic step.
      Atomics.wait(this.#words, this.#bell, ASLEEP, left);
      // Perhaps a late ring for something already handled: check again, and sleep for the rest of the time.
      if (this.#ready()) return;
    }
  }

  /** Resolves when `ready`, at once if it is now. Does not keep the process alive. */
  whenReady(): Promise<void> {
    if (this.#ready()) return READY;
    if (this.#pending !== undefined) return this.#pending;
    for (;;) {
      Atomics.store(this.#words, this.#bell, ASLEEP);
      if (this.#ready()) return READY;
      const wait = Atomics.waitAsync(this.#words, this.#bell, ASLEEP);
      if (wait.async) {
        this.#pending = wait.value.then(this.#woken);
        return this.#pending;
      }
      // Rung between the store and the wait: there is something to do now, or the ring was a late one.
    }
  }

  readonly #woken = (): Promise<void> => {
    this.#pending = undefined;
    return this.whenReady();
  };
}
