/**
 * A first-in, first-out queue in a circular buffer. It drops its reference to an entry when that is taken, and shrinks
 * when mostly empty, so that a queue which is never quite empty does not grow for ever.
 */

/** A power of two, like every capacity. */
const MIN_CAPACITY = 16;

/** The buffer halves when it is less than 1/4 full, so it takes as many pushes again before it doubles. */
const SPARE = 4;

export class Fifo<T> implements Iterable<T> {
  /** None until there is an entry. */
  #slots: (T | undefined)[] = [];
  #mask = -1;
  /** The slot of the oldest entry. */
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Allocated slots, for tests. */
  get capacity(): number {
    return this.#mask + 1;
  }

  push(entry: T): void {
    if (this.#length > this.#mask) this.#resize(Math.max(MIN_CAPACITY, this.capacity * 2));
    this.#slots[(this.#head + this.#length) & this.#mask] = entry;
    this.#length++;
  }

  /** Removes and returns the oldest entry; undefined: there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const entry = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length--;
    if (this.#length * SPARE < this.capacity && this.capacity > MIN_CAPACITY) this.#resize(this.capacity / 2);
    return entry;
  }

  /** The entry at `index`: 0 is the oldest, −1 the newest. Undefined: there is none. */
  at(index: number): T | undefined {
    const offset = index < 0 ? this.#length + index : index;
    if (offset < 0 || offset >= this.#length) return undefined;
    return this.#slots[(this.#head + offset) & this.#mask];
  }

  /** Removes and returns all entries, oldest first. */
  takeAll(): T[] {
    const entries = [...this];
    this.clear();
    return entries;
  }

  clear(): void {
    this.#slots = [];
    this.#mask = -1;
    this.#head = 0;
    this.#length = 0;
  }

  /** From the oldest to the newest. Nothing may be pushed or taken meanwhile. */
  *[Symbol.iterator](): Generator<T, void, void> {
    for (let i = 0; i < this.#length; i++) yield this.#slots[(this.#head + i) & this.#mask] as T;
  }

  #resize(capacity: number): void {
    const slots = new Array<T | undefined>(capacity).fill(undefined);
    for (let i = 0; i < this.#length; i++) slots[i] = this.#slots[(this.#head + i) & this.#mask];
    this.#slots = slots;
    this.#mask = capacity - 1;
    this.#head = 0;
  }
}
