/**
 * How many messages a consumer may hold, those that its program has been handed and those that wait for it.
 *
 * A number stays that number. "auto" is measured in time: it doubles when the program has emptied what came and would get
 * through more, and shrinks to about what the program gets through in 100 ms when more than that waits. Beyond a thousand
 * it doubles only when messages also leave again that fast, handed out and settled: a program that takes all that comes
 * and works on it at once does not gather what others could work on.
 */

import type { Prefetch } from "../arguments/options.js";

/** What may wait for the program, in the time that it takes over it. Also the least time that is measured. Milliseconds. */
export const SPAN = 100;

export const FIRST_AUTO = 16;

/** What it becomes for a program that empties it quickly, however long messages are held then. */
export const EAGER_AUTO = 1024;

/** What one turn of the event loop reads of a socket, 2 MiB, in messages of 128 bytes; more only make more garbage at a time. */
export const MAX_AUTO = 16_384;

/** With "auto" no more than about so many bytes, and no fewer messages than at first. */
const AUTO_BYTES = 16 * 1024 * 1024;

export class PrefetchWindow {
  readonly #isAuto: boolean;
  /** The least that it becomes. */
  readonly #min: number;
  #size: number;
  /** By how much the broker's idea of its size is to be changed. */
  #change = 0;
  /** When what came last came into an empty buffer, and messages taken since. */
  #burstStart = 0;
  #burst = 0;
  /** When it was resized or measured last by what passes through it, and messages since. */
  #passing = 0;
  #passed = 0;
  /** When measuring began last, and messages taken since. */
  #start = 0;
  #taken = 0;
  /** Too much waited when that was measured last: a process that was stopped for a moment is not slow yet. */
  #wasExcessive = false;
  /** Messages that have come, and their bytes. */
  #messages = 0;
  #bytes = 0;

  constructor(prefetch: Prefetch) {
    this.#isAuto = typeof prefetch !== "number";
    this.#min = typeof prefetch === "object" ? prefetch.min : 1;
    this.#size = typeof prefetch === "number" ? prefetch : Math.max(FIRST_AUTO, this.#min);
  }

  get isAuto(): boolean {
    return this.#isAuto;
  }

  get size(): number {
    return this.#size;
  }

  /** The most that it becomes. */
  get max(): number {
    return this.#isAuto ? Math.max(MAX_AUTO, this.#min) : this.#size;
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
    this.#passed += this.#burst;
    // Less than half of the window: more would have come if there was more.
    if (this.#burst * 2 >= this.#size) {
      const elapsed = now - this.#burstStart;
      const target = elapsed > 0 ? (this.#burst * SPAN) / elapsed : Number.POSITIVE_INFINITY;
      if (target > this.#size) this.#grow(now, EAGER_AUTO);
      else if (holdsAll && target * 2 < this.#size) this.#resize(Math.ceil(target));
    }
    this.#burst = 0;
    this.#burstStart = now;
    // Two windows have passed through it, so that the first was settled: would twice as much take less than its time?
    if (this.#passed < this.#size * 2) return;
    if (this.#passed * SPAN > (now - this.#passing) * this.#size * 2) this.#grow(now, MAX_AUTO);
    this.#passing = now;
    this.#passed = 0;
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
    const excess = Math.min(unread - target, Math.max(this.#size, unread) - this.#min);
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

  #grow(now: number, max: number): void {
    const most = Math.max(FIRST_AUTO, Math.min(max, Math.floor((AUTO_BYTES * this.#messages) / this.#bytes)));
    const size = Math.min(this.#size * 2, most);
    if (size <= this.#size) return;
    this.#resize(size);
    this.#passing = now;
    this.#passed = 0;
  }

  #resize(size: number): void {
    const to = Math.max(this.#min, size);
    this.#change += to - this.#size;
    this.#size = to;
  }
}
