/**
 * BROWSE: shows messages of a queue in one state and changes nothing.
 */
import { SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import type { Browse } from "./command.js";
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";

/** Answers a BROWSE; the bytes that it has emitted. */
export const browse = (store: Store, queue: Queue, c: Browse): number => {
  const { extents, effects } = store;
  let skip = c.offset;
  let left = c.max;
  let bytes = 0;
  effects.openMessages(c.connection, c.request);
  for (const list of listsOf(queue, c.state)) {
    for (let extent = list.head; extent !== ext.NONE && left > 0 && bytes < c.maxBytes; ) {
      const count = extents.count(extent);
      if (skip >= count) {
        skip -= count;
      } else {
        bytes += show(store, extent, skip, left, c.state === "dead");
        left -= Math.min(left, count - skip);
        skip = 0;
      }
      extent = extents.get(extent, ext.NEXT);
    }
  }
  effects.closeMessages();
  return bytes;
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

/** Emits up to `max` messages of an extent after the first `skip`. */
const show = (store: Store, extent: number, skip: number, max: number, isDead: boolean): number => {
  const { extents, wheel } = store;
  const time = isDead ? (extents.diedAt[extent] ?? 0) : wheel.isScheduled(extent) ? wheel.dueOf(extent) : 0;
  const delivery = extents.get(extent, ext.DELIVERY);
  if (extents.isFragment(extent)) {
    let mask = extents.get(extent, ext.MASK);
    for (let i = 0; i < skip; i++) mask &= mask - 1;
    let rest = mask;
    for (let i = 0; i < max && rest !== 0; i++) rest &= rest - 1;
    return store.emitMask(extent, mask & ~rest, delivery, time);
  }
  const { view } = store.segmentOf(extent);
  const count = Math.min(max, extents.get(extent, ext.SPAN) - skip);
  let start = extents.get(extent, ext.OFFSET);
  for (let i = 0; i < skip; i++) start += WORD_BYTES + (view.getUint32(start) & SIZE_MASK);
  let end = start;
  for (let i = 0; i < count; i++) end += WORD_BYTES + (view.getUint32(end) & SIZE_MASK);
  store.emit(extent, extents.idLow(extent) + skip, count, start, end, delivery, time);
  return end - start;
};
