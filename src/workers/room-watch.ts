/**
 * Tells when the journal has no room for publishes left, and when there is some again: once each, and the latter only
 * when it has lasted, since acks may make room for a moment many times a second.
 */

/** Milliseconds that there must be room before it is told. */
const LASTING = 1000;

export class RoomWatch {
  readonly #tell: (hasRoom: boolean) => void;
  #isShort = false;
  /** When there was room again; Infinity: there is none, or nothing to tell. */
  #since = Number.POSITIVE_INFINITY;

  constructor(tell: (hasRoom: boolean) => void) {
    this.#tell = tell;
  }

  /** When to call `look` again, so that the end is told. */
  get due(): number {
    return this.#since + LASTING;
  }

  /** Undefined: the journal does not work, which is told apart. */
  look(hasRoom: boolean | undefined, now: number): void {
    if (hasRoom !== true) this.#since = Number.POSITIVE_INFINITY;
    if (hasRoom === false && !this.#isShort) {
      this.#isShort = true;
      this.#tell(false);
    }
    if (hasRoom !== true || !this.#isShort) return;
    if (this.#since > now) this.#since = now;
    if (now < this.due) return;
    this.#isShort = false;
    this.#since = Number.POSITIVE_INFINITY;
    this.#tell(true);
  }
}
