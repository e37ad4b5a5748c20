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
  /** The extent that was last put at its place among those given back, or a neighbour of it. */
  finger = NONE;
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

  remove(table: ExtentTable, extent: number): void {
    const next = table.get(extent, NEXT);
    if (this.#cursors !== undefined) for (const cursor of this.#cursors) if (cursor.at === extent) cursor.at = next;
    const previous = table.get(extent, PREVIOUS);
    if (this.finger === extent) this.finger = previous;
    if (previous === NONE) this.head = next;
    else table.set(previous, NEXT, next);
    if (next === NONE) this.tail = previous;
    else table.set(next, PREVIOUS, previous);
    table.set(extent, NEXT, NONE);
    table.set(extent, PREVIOUS, NONE);
  }
}
