/**
 * A map that is nearly always empty or has one entry, as most that a connection has are: it costs no table until it has
 * two, and there may be ten thousand connections. Entries are in the order in which they were added.
 */
export class SmallMap<K extends number | string, V extends object | number> implements Iterable<[K, V]> {
  /** The only entry, as long as there is no table; undefined: none. */
  #key: K | undefined;
  #value: V | undefined;
  #table: Map<K, V> | undefined;

  get size(): number {
    if (this.#table !== undefined) return this.#table.size;
    return this.#value === undefined ? 0 : 1;
  }

  get(key: K): V | undefined {
    if (this.#table !== undefined) return this.#table.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): void {
    if (this.#table === undefined && (this.#value === undefined || this.#key === key)) {
      this.#key = key;
      this.#value = value;
      return;
    }
    this.#table ??= new Map(this);
    this.#table.set(key, value);
    this.#forgetEntry();
  }

  delete(key: K): boolean {
    if (this.#table !== undefined) return this.#table.delete(key);
    if (!this.has(key)) return false;
    this.#forgetEntry();
    return true;
  }

  clear(): void {
    this.#table = undefined;
    this.#forgetEntry();
  }

  /** Entries may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<[K, V], void, void> {
    if (this.#table !== undefined) yield* this.#table;
    else if (this.#key !== undefined && this.#value !== undefined) yield [this.#key, this.#value];
  }

  *keys(): Generator<K, void, void> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<V, void, void> {
    for (const [, value] of this) yield value;
  }

  #forgetEntry(): void {
    this.#key = undefined;
    this.#value = undefined;
  }
}
