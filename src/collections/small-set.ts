/** A set that is nearly always empty or has one member: see `SmallMap`. Members are in the order in which they were added. */
export class SmallSet<T extends object | string> implements Iterable<T> {
  /** The only member, as long as there is no table; undefined: none. */
  #member: T | undefined;
  #table: Set<T> | undefined;

  get size(): number {
    if (this.#table !== undefined) return this.#table.size;
    return this.#member === undefined ? 0 : 1;
  }

  has(member: T): boolean {
    return this.#table === undefined ? this.#member === member : this.#table.has(member);
  }

  add(member: T): void {
    if (this.#table === undefined && (this.#member === undefined || this.#member === member)) {
      this.#member = member;
      return;
    }
    this.#table ??= new Set(this);
    this.#table.add(member);
    this.#member = undefined;
  }

  delete(member: T): boolean {
    if (this.#table !== undefined) return this.#table.delete(member);
    if (this.#member !== member) return false;
    this.#member = undefined;
    return true;
  }

  /** Members may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<T, void, void> {
    if (this.#table !== undefined) yield* this.#table;
    else if (this.#member !== undefined) yield this.#member;
  }
}
