/**
 * A doubly linked list of extents through words of the extents themselves: the ready messages of a queue, its delayed
 * ones, its dead ones, what a consumer holds. An extent is in at most one list.
 */
import { type ExtentTable, NEXT, NONE, PREVIOUS } from "./extent.js";

/** A place in a list. It moves on when its extent leaves the list. */
export interface Cursor {
  /** The extent, or NONE behind the last one. */
  at: number;
}

export class ExtentList {
  head = NONE;
  tail = NONE;
  /** The extent that `placeFor` was last asked for, or the one before it. */
  #finger = NONE;
  /** Extents that were passed on the way to a place, in their order: what is between two of them was walked at most once. */
  readonly #marks: number[] = [];
  /** Of walks in steps. */
  #cursors: Set<Cursor> | undefined;

  push(table: ExtentTable, extent: number): void {
    table.set(extent, PREVIOUS, this.tail);
    table.set(extent, NEXT, NONE);
    if (this.tail === NONE) this.head = extent;
    else table.set(this.tail, NEXT, extent);
    this.tail = extent;
  }

  /** Puts an extent right behind another one of this list; behind NONE: at the head. */
  insertAfter(table: ExtentTable, extent: number, after: number): void {
    const next = after === NONE ? this.head : table.get(after, NEXT);
    table.set(extent, PREVIOUS, after);
    table.set(extent, NEXT, next);
    if (after === NONE) this.head = extent;
    else table.set(after, NEXT, extent);
    if (next === NONE) this.tail = extent;
    else table.set(next, PREVIOUS, extent);
  }

  /** A cursor at the head; close it after use. */
  openCursor(): Cursor {
    const cursor = { at: this.head };
    this.#cursors ??= new Set();
    this.#cursors.add(cursor);
    return cursor;
  }

  /** How many are open. */
  get cursors(): number {
    return this.#cursors?.size ?? 0;
  }

  closeCursor(cursor: Cursor): void {
    this.#cursors?.delete(cursor);
    if (this.#cursors?.size === 0) this.#cursors = undefined;
  }

  /** Puts an extent that is to have its place again there. Answers what stands before it. */
  insertAtPlace(table: ExtentTable, extent: number): number {
    const before = this.#placeFor(table, extent);
    this.insertAfter(table, extent, before);
    this.#finger = extent;
    return before;
  }

  /** What an extent is to stand behind; NONE: the head. */
  #placeFor(table: ExtentTable, extent: number): number {
    const finger = this.#finger;
    if (finger !== NONE && table.isBefore(finger, extent)) {
      const next = table.get(finger, NEXT);
      if (next === NONE || !table.isBefore(next, extent)) return finger;
    }
    let mark = this.#markBefore(table, extent);
    let before = mark < 0 ? NONE : (this.#marks[mark] as number);
    let next = before === NONE ? this.head : table.get(before, NEXT);
    for (let steps = 1; next !== NONE && table.isBefore(next, extent); steps++) {
      before = next;
      next = table.get(next, NEXT);
      if (steps % table.markSteps === 0) this.#marks.splice(++mark, 0, before);
    }
    return before;
  }

  /** The index of the last mark that stands before an extent or is it; -1: none does. */
  #markBefore(table: ExtentTable, extent: number): number {
    const marks = this.#marks;
    let low = 0;
    let high = marks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (table.isBefore(extent, marks[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  #unmark(table: ExtentTable, extent: number): void {
    const mark = this.#markBefore(table, extent);
    if (mark >= 0 && this.#marks[mark] === extent) this.#marks.splice(mark, 1);
  }

  /** Throws unless a walk through the list comes by each mark, in their order, and by the finger. */
  invariants(table: ExtentTable): void {
    const marks = this.#marks;
    let passed = 0;
    let hasFinger = this.#finger === NONE;
    let last = NONE;
    for (let extent = this.head; extent !== NONE; extent = table.get(extent, NEXT)) {
      if (table.get(extent, PREVIOUS) !== last) throw new Error(`shard: extent ${extent} has a wrong predecessor`);
      if (extent === marks[passed]) passed++;
      if (extent === this.#finger) hasFinger = true;
      last = extent;
    }
    if (last !== this.tail) throw new Error("shard: a list has a wrong tail");
    if (passed < marks.length)
      throw new Error(`shard: the mark at extent ${marks[passed]} is out of line, or of the list`);
    if (!hasFinger) throw new Error(`shard: the finger is at extent ${this.#finger}, which is not in the list`);
  }

  remove(table: ExtentTable, extent: number): void {
    const next = table.get(extent, NEXT);
    if (this.#cursors !== undefined) for (const cursor of this.#cursors) if (cursor.at === extent) cursor.at = next;
    const previous = table.get(extent, PREVIOUS);
    if (this.#finger === extent) this.#finger = previous;
    if (this.#marks.length > 0) this.#unmark(table, extent);
    if (previous === NONE) this.head = next;
    else table.set(previous, NEXT, next);
    if (next === NONE) this.tail = previous;
    else table.set(next, PREVIOUS, previous);
    table.set(extent, NEXT, NONE);
    table.set(extent, PREVIOUS, NONE);
  }
}
