/**
 * How one end of a ring wakes the other. A bell is one word of shared memory. Its owner writes ASLEEP before it sleeps;
 * the other end writes AWAKE when it rings. Only a sleeper is rung, for a notify costs as much as several records.
 *
 * No wake-up is lost, because all four accesses are sequentially consistent, and whichever of the two threads comes
 * second sees what the other has written:
 *
 * ```
 *   owner                                 other end
 *   1  store ASLEEP to the bell           a  store its counter
 *   2  look at the counter once more      b  look at the bell
 *   3  wait while the bell is ASLEEP      c  store AWAKE, notify
 * ```
 *
 * If 1 comes before b the owner is rung: either it waits already, or its wait finds AWAKE and returns. Otherwise a, b, 1
 * and 2 happened in this order, and 2 sees the counter.
 *
 * Only the other end writes AWAKE. An owner that turns out not to need sleep leaves its ASLEEP behind, which costs the
 * other end one notify that wakes nobody; were it to clear the word, it could clear it under a promise that still waits.
 */

const AWAKE = 0;
const ASLEEP = 1;

const READY: Promise<void> = Promise.resolve();

/** Wakes the owner of the bell if it sleeps. Call it after the store that the owner waits for, which must be atomic. */
export const ring = (words: Int32Array<SharedArrayBuffer>, bell: number): void => {
  // Sequentially consistent, so that it is not done before the counter is stored (b after a).
  if (Atomics.load(words, bell) === AWAKE) return;
  // Before the notify: an owner that is on its way into its wait must find it.
  Atomics.store(words, bell, AWAKE);
  // Everybody: a blocked thread and a promise of it may wait on the same bell.
  Atomics.notify(words, bell);
};

/** Whether the owner of the bell sleeps or is about to; sequentially consistent like the look in `ring`. */
export const isAsleep = (words: Int32Array<SharedArrayBuffer>, bell: number): boolean =>
  Atomics.load(words, bell) === ASLEEP;

/** The owner's side of a bell. */
export class Doorbell {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bell: number;
  readonly #ready: () => boolean;
  readonly #spins: number;
  /** The one wait that may be on the way. V8 keeps a waiter until it is notified, so there is never a second. */
  #pending: Promise<void> | undefined;

  /**
   * `ready` tells whether there is no need to sleep; it reads the other end's counter with Atomics. `spins` is how often
   * a thread that may block asks it before it goes to sleep.
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
      // Compares the bell and goes to sleep in one step as far as `notify` is concerned.
      Atomics.wait(this.#words, this.#bell, ASLEEP, left);
      // Woken for what has been seen to already, or too late: look, and sleep what is left of the time.
      if (this.#ready()) return;
    }
  }

  /** Resolves when `ready`, and at once if it is so now. Does not keep the process alive. */
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
      // Rung between the store and the wait: either there is something now, or that ring was an old one.
    }
  }

  readonly #woken = (): Promise<void> => {
    this.#pending = undefined;
    return this.whenReady();
  };
}
