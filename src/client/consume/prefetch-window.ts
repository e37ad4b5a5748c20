/**
 * How many messages a consumer may hold, those that its program has been handed and those that wait for it.
 *
 * A number stays that number. "auto" is measured in time: it doubles when the program has emptied what came and would get
 * through more, and shrinks to about what the program gets through in 100 ms when more than that waits.
 */

/** What may wait for the program, in the time that it takes over it. Also the least time that is measured. Milliseconds. */
export const SPAN = 100;

export const FIRST_AUTO = 16;

/** Enough for a round trip at a million messages a second. */
export const MAX_AUTO = 1024;

/** With "auto" no more than about so many bytes, and no fewer messages than at first. */
const AUTO_BYTES = 16 * 1024 * 1024;

export class PrefetchWindow {
  readonly #isAuto: boolean;
  #size: number;
  /** By how much the broker's idea of its size is to be changed. */
  #change = 0;
  /** When what came last came into an empty buffer, and messages taken since. */
  #burstStart = 0;
  #burst = 0;
  /** When measuring began last, and messages taken since. */
  #start = 0;
  #taken = 0;
  /** Too much waited when that was measured last: a process that was stopped for a moment is not slow yet. */
  #wasExcessive = false;
  /** Messages that have come, and their bytes. */
  #messages = 0;
  #bytes = 0;

  constructor(prefetch: number | "auto") {
    this.#isAuto = prefetch === "auto";
    this.#size = prefetch === "auto" ? FIRST_AUTO : prefetch;
  }

  get isAuto(): boolean {
    return this.#isAuto;
  }

  get size(): number {
    return this.#size;
  }

  /** The most that it becomes. */
  get max(): number {
    return this.#isAuto ? MAX_AUTO : this.#size;
  }

  /** The program has taken messages. */
  take(count: number): void {
    this.#burst += count;
    this.#taken += count;
  }

  /** Messages have come; `isFirst`: none was waiting. */
  came(now: number, isFirst: boolean, messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
    if (!isFirst) return;
    this.emptied(now, false);
    this.#burstStart = now;
    this.#start = now;
    this.#taken = 0;
    this.#wasExcessive = false;
  }

  /**
   * The program has taken all that came. With `holdsAll` it was handed that at once, so that nothing waits however long it
   * takes over it.
   */
  emptied(now: number, holdsAll: boolean): void {
    if (!this.#isAuto || this.#burst === 0) return;
    // Less than half of the window: more would have come if there was more.
    if (this.#burst * 2 >= this.#size) {
      const elapsed = now - this.#burstStart;
      const target = elapsed > 0 ? (this.#burst * SPAN) / elapsed : Number.POSITIVE_INFINITY;
      if (target > this.#size) this.#resize(Math.min(this.#size * 2, this.#mostForBytes));
      else if (holdsAll && target * 2 < this.#size) this.#resize(Math.ceil(target));
    }
    this.#burst = 0;
    this.#burstStart = now;
  }

  /** How many of the messages that wait are to be given back, because the program takes too long to come to them. */
  excess(now: number, unread: number): number {
    const elapsed = now - this.#start;
    if (!this.#isAuto || elapsed < SPAN) return 0;
    const target = Math.max(1, Math.ceil((this.#taken * SPAN) / elapsed));
    this.#start = now;
    this.#taken = 0;
    const wasExcessive = this.#wasExcessive;
    this.#wasExcessive = unread > 2 * target;
    if (!wasExcessive || !this.#wasExcessive) return 0;
    const excess = unread - target;
    this.#resize(this.#size - excess);
    return excess;
  }

  get isChanged(): boolean {
    return this.#change !== 0;
  }

  /** What the broker is to be told by CREDIT, 0 for nothing. */
  takeChange(): number {
    const change = this.#change;
    this.#change = 0;
    return change;
  }

  get #mostForBytes(): number {
    return Math.max(FIRST_AUTO, Math.min(MAX_AUTO, Math.floor((AUTO_BYTES * this.#messages) / this.#bytes)));
  }

  #resize(size: number): void {
    const to = Math.max(1, size);
    this.#change += to - this.#size;
    this.#size = to;
  }
}
