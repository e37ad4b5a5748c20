/**
 * A binary heap whose entries know their places, so that any of them can be moved or taken out. An entry is in one heap
 * at a time.
 */

export interface HeapEntry {
  /** Its place in the heap, which only the heap sets; NOWHERE when it is in none. */
  place: number;
}

export const NOWHERE = -1;

export class IndexedHeap<T extends HeapEntry> {
  readonly #entries: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The entry that no other comes before; undefined: there is none. */
  get first(): T | undefined {
    return this.#entries[0];
  }

  add(entry: T): void {
    this.#entries.push(entry);
    this.#rise(entry, this.#entries.length - 1);
  }

  /** Nothing happens to an entry that is in no heap. */
  remove(entry: T): void {
    const { place } = entry;
    if (place === NOWHERE) return;
    entry.place = NOWHERE;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#settle(last, place);
  }

  /** What the order goes by has changed. */
  moved(entry: T): void {
    if (entry.place !== NOWHERE) this.#settle(entry, entry.place);
  }

  #settle(entry: T, place: number): void {
    this.#rise(entry, place);
    if (entry.place === place) this.#sink(entry, place);
  }

  #rise(entry: T, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#entries[parent] as T;
      if (!this.#isBefore(entry, above)) break;
      this.#put(above, place);
      place = parent;
    }
    this.#put(entry, place);
  }

  #sink(entry: T, from: number): void {
    const { length } = this.#entries;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= length) break;
      const right = child + 1;
      if (right < length && this.#isBefore(this.#entries[right] as T, this.#entries[child] as T)) child = right;
      const below = this.#entries[child] as T;
      if (!this.#isBefore(below, entry)) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(entry, place);
  }

  #put(entry: T, place: number): void {
    this.#entries[place] = entry;
    entry.place = place;
  }
}
