/**
 * BROWSE: shows messages of a queue in one state and changes nothing.
 */
import { SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import type { Browse } from "./command.js";
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";

/** Answers a BROWSE. */
export const browse = (store: Store, queue: Queue, c: Browse): void => {
  const { extents, effects } = store;
  let skip = c.offset;
  let left = c.max;
  let bytes = 0;
  effects.openMessages(c.connection, c.request);
  for (const list of listsOf(queue, c.state)) {
    for (let extent = list.head; extent !== ext.NONE && left > 0; extent = extents.get(extent, ext.NEXT)) {
      const count = extents.count(extent);
      if (skip >= count) {
        skip -= count;
        continue;
      }
      const most = Math.min(left, count - skip);
      const room = left === c.max ? Number.POSITIVE_INFINITY : c.maxBytes - bytes;
      const shown = show(store, extent, skip, most, Math.max(room, 0), c);
      bytes += shown.bytes;
      left = shown.count < most ? 0 : left - most;
      skip = 0;
    }
  }
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
      return [queue.popped, ...[...queue.consumers].map((consumer) => consumer.held)];
  }
};

/**
 * Emits up to `max` messages of an extent after the first `skip`, as far as they fit into `room`. Infinite room is that
 * of the whole request with nothing shown yet: one message fits whatever its size.
 */
const show = (
  store: Store,
  extent: number,
  skip: number,
  max: number,
  room: number,
  c: Browse,
): { readonly count: number; readonly bytes: number } => {
  const { extents, wheel } = store;
  const time = c.state === "dead" ? (extents.times[extent] ?? 0) : wheel.isScheduled(extent) ? wheel.dueOf(extent) : 0;
  const delivery = extents.get(extent, ext.DELIVERY) >>> 0;
  const { view } = store.pageOf(extent);
  const idLow = extents.idLow(extent);
  const isFragment = extents.isFragment(extent);
  const mask = extents.get(extent, ext.MASK);
  const limit = room === Number.POSITIVE_INFINITY ? c.maxBytes : room;
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
        if (bytes + size > limit && (count > 0 || room !== Number.POSITIVE_INFINITY)) break;
        chosen |= bit;
        bytes += size;
        count++;
      }
    }
    at += size;
  }
  if (count === 0) return { count, bytes };
  if (isFragment) store.emitMask(extent, chosen, delivery, time);
  else store.emit(extent, idLow + skip, count, start, start + bytes, delivery, time);
  return { count, bytes };
};
