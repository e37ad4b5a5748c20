/**
 * Reports when the journal runs out of room for publishes, and when there is room again: once each, and the latter only
 * when it lasts, because acks may make room for a moment many times a second.
 */

/** Milliseconds for which there must be room before that is reported. */
const LASTING = 1000;

export class RoomWatch {
  readonly #tell: (hasRoom: boolean) => void;
  #isShort = false;
  /** Since when there has been room again; Infinity: there is none, or it was reported. */
  #since = Number.POSITIVE_INFINITY;

  constructor(tell: (hasRoom: boolean) => void) {
    this.#tell = tell;
  }

  /** When to call `look` again to report that there is room. */
  get due(): number {
    return this.#since + LASTING;
  }

  /** `hasRoom` undefined: the journal does not work, which is reported elsewhere. */
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
