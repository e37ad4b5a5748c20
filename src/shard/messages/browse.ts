/**
 * BROWSE: shows messages of a queue in one state and changes nothing.
 */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { FAILURES_LENGTH_BYTES } from "../../protocol/run.js";
import type { Browse } from "../command.js";
import * as ext from "./extent.js";
import type { Cursor, ExtentList } from "./extent-list.js";
import type { Queue } from "./queue.js";
import { deliveryOf, timeOf } from "./shown.js";
import type { Store } from "./store.js";

/** The place of a BROWSE in its lists. It first walks to the offset, which may be far, in steps. */
export class BrowseCursor {
  readonly #lists: readonly ExtentList[];
  /** Index in `#lists`. */
  #list = 0;
  #cursor: Cursor | undefined;
  /** Messages that are still to be skipped. */
  skip: number;
  /** Extents that the last `advance` looked at. */
  looks = 0;

  constructor(
    readonly store: Store,
    queue: Queue,
    c: Browse,
  ) {
    this.#lists = listsOf(queue, c.state);
    this.skip = c.offset;
  }

  /** Moves up to `max` extents towards the offset. False: it is not there yet. */
  advance(max: number): boolean {
    const { extents } = this.store;
    this.looks = 0;
    for (let left = max; ; left--) {
      this.looks++;
      const extent = this.extent;
      if (extent === ext.NONE) return true;
      const count = extents.count(extent);
      if (this.skip < count) return true;
      if (left <= 0) return false;
      this.skip -= count;
      this.next();
    }
  }

  /** The present extent; NONE: there are no more. */
  get extent(): number {
    for (let list = this.#lists[this.#list]; list !== undefined; list = this.#lists[this.#list]) {
      this.#cursor ??= list.openCursor();
      if (this.#cursor.at !== ext.NONE) return this.#cursor.at;
      this.close();
      this.#list++;
    }
    return ext.NONE;
  }

  next(): void {
    const cursor = this.#cursor;
    if (cursor !== undefined) cursor.at = this.store.extents.get(cursor.at, ext.NEXT);
  }

  /** To be called when it is not used any more. */
  close(): void {
    if (this.#cursor !== undefined) this.#lists[this.#list]?.closeCursor(this.#cursor);
    this.#cursor = undefined;
  }
}

/** Answers a BROWSE from the cursor's place on, and closes the cursor. */
export const browse = (store: Store, c: Browse, cursor: BrowseCursor): void => {
  const { extents, effects } = store;
  let left = c.max;
  let bytes = 0;
  cursor.advance(Number.POSITIVE_INFINITY);
  effects.openMessages(c.connection, c.request, true);
  for (let extent = cursor.extent; extent !== ext.NONE && left > 0; extent = cursor.extent) {
    const { skip } = cursor;
    const max = Math.min(left, extents.count(extent) - skip);
    const room = left === c.max ? Number.POSITIVE_INFINITY : c.maxBytes - bytes;
    const shown = show(store, extent, skip, max, Math.max(room, 0), c);
    bytes += shown.bytes;
    left = shown.count < max ? 0 : left - max;
    cursor.skip = 0;
    cursor.next();
  }
  cursor.close();
  effects.closeMessages();
};

const listsOf = (queue: Queue, state: Browse["state"]): readonly ExtentList[] => {
  switch (state) {
    case "ready":
      return [queue.ready];
    case "delayed":
      return [queue.delayed];
    case "dead":
      return [queue.dead];
    case "in-flight":
      return [queue.popped, ...[...queue.holders].map(({ held }) => held)];
  }
};

/**
 * Emits up to `max` messages of an extent after the first `skip`, as far as they fit into `room`. Infinite: nothing has
 * been shown yet, so that the room is `c.maxBytes` and one message fits whatever its size.
 */
const show = (
  store: Store,
  extent: number,
  skip: number,
  max: number,
  room: number,
  c: Browse,
): { readonly count: number; readonly bytes: number } => {
  const { extents } = store;
  const time = timeOf(store, extent);
  const delivery = deliveryOf(store, extent);
  const { view } = store.pageOf(extent);
  const idLow = extents.idLow(extent);
  const isFragment = extents.isFragment(extent);
  const mask = extents.get(extent, ext.MASK);
  const isFirst = room === Number.POSITIVE_INFINITY;
  const limit = isFirst ? c.maxBytes : room;
  let failures = c.withFailures ? store.failuresOf(extent) : undefined;
  // Each message may be a run of its own.
  let cost = failures === undefined ? 0 : FAILURES_LENGTH_BYTES + failures.length;
  let at = extents.get(extent, ext.OFFSET);
  let start = at;
  let chosen = 0;
  let count = 0;
  let bytes = 0;
  for (let i = 0, seen = 0; count < max; i++) {
    const size = WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
    const bit = 1 << ((idLow + i) & (ext.BLOCK - 1));
    if (!isFragment || (mask & bit) !== 0) {
      if (seen++ < skip) {
        start = at + size;
      } else {
        if (bytes + size + cost > limit) {
          if (count > 0 || !isFirst) break;
          // A single one is shown, if need be without its failures.
          failures = undefined;
          cost = 0;
        }
        chosen |= bit;
        bytes += size + cost;
        count++;
      }
    }
    at += size;
  }
  if (count === 0) return { count, bytes };
  if (isFragment) store.emitMask(extent, chosen, delivery, time, failures);
  else store.emit(extent, idLow + skip, count, start, start + bytes, delivery, time);
  return { count, bytes };
};
