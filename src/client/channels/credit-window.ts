/**
 * How far a subscription may be sent ahead of its program: so many messages that it has not read. When half of them are
 * read, the broker is given credit for as many more.
 */

/** With "auto" the messages of the window have about this many bytes. */
const AUTO_BYTES = 4 * 1024 * 1024;

/** Enough for a round trip at a million messages a second. */
const MAX_AUTO = 4096;

/** Before any message is known, and however large they are. */
const MIN_AUTO = 16;

export class CreditWindow {
  readonly #isAuto: boolean;
  #size: number;
  /** Messages that the broker may send or has sent, and that were not read. */
  #open = 0;
  /** Bytes of the largest message since credit was given last. */
  #largest = 0;

  constructor(credit: number | "auto") {
    this.#isAuto = credit === "auto";
    this.#size = credit === "auto" ? MIN_AUTO : credit;
  }

  /** A subscription begins, with messages that are not read yet: its credit. */
  begin(unread: number): number {
    this.#open = Math.max(this.#size, unread);
    return this.#open - unread;
  }

  /** A message of so many bytes was read. Returns the credit to give, 0 for none. */
  read(bytes: number): number {
    this.#open--;
    this.#largest = Math.max(this.#largest, bytes);
    if (this.#open > this.#size / 2) return 0;
    if (this.#isAuto) {
      this.#size = Math.max(MIN_AUTO, Math.min(MAX_AUTO, Math.floor(AUTO_BYTES / this.#largest)));
      this.#largest = 0;
    }
    const credit = Math.max(0, this.#size - this.#open);
    this.#open += credit;
    return credit;
  }
}
