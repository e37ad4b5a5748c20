/**
 * Taking messages out of a queue: for a consumer, for a pop, from the dead letters. What is taken is emitted as runs and
 * put in flight; with auto-ack it is gone.
 */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import type { Consumer } from "../consumers/consumer.js";
import { GONE } from "../log/recorder.js";
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";

/**
 * Takes up to `max` ready messages of about `maxBytes` (at least one) from the head. `holder` undefined: a pop. Answers
 * how many, and leaves the bytes in `queue.takenBytes`.
 */
export const takeReady = (
  queue: Queue,
  max: number,
  maxBytes: number,
  holder: Consumer | undefined,
  now: number,
): number => {
  const { extents } = queue.store;
  let taken = 0;
  queue.takenBytes = 0;
  while (taken < max && queue.ready.head !== ext.NONE) {
    const extent = queue.ready.head;
    const room = maxBytes - queue.takenBytes;
    const n = extents.isFragment(extent)
      ? takeFragment(queue, queue.ready, extent, max - taken, room, taken === 0, holder, now)
      : takeFresh(queue, extent, max - taken, room, taken === 0, holder, now);
    if (n === 0) break;
    taken += n;
  }
  queue.readyCount -= taken;
  queue.readyBytes -= queue.takenBytes;
  queue.topic.delivered += taken;
  return taken;
};

/** As `takeReady`, from the dead letters. */
export const takeDead = (queue: Queue, max: number, maxBytes: number, now: number): number => {
  let taken = 0;
  queue.takenBytes = 0;
  while (taken < max && queue.dead.head !== ext.NONE) {
    const room = maxBytes - queue.takenBytes;
    const n = takeFragment(queue, queue.dead, queue.dead.head, max - taken, room, taken === 0, undefined, now);
    if (n === 0) break;
    taken += n;
  }
  queue.deadCount -= taken;
  queue.topic.delivered += taken;
  return taken;
};

/** At most `limit` messages of `room` bytes; if `first`, one message goes whatever its size. */
const takeFresh = (
  queue: Queue,
  extent: number,
  limit: number,
  room: number,
  first: boolean,
  holder: Consumer | undefined,
  now: number,
): number => {
  const { store } = queue;
  const { extents } = store;
  const { autoAck, ttr } = queue.topic.config;
  const { view } = store.pageOf(extent);
  const idLow = extents.idLow(extent);
  const offset = extents.get(extent, ext.OFFSET);
  const most = Math.min(limit, extents.get(extent, ext.SPAN));
  const delivery = autoAck ? 0 : store.nextDelivery();
  const deadline = autoAck ? 0 : now + ttr;
  let at = offset;
  let n = 0;
  let fragmentAt = offset;
  let fragmentFirst = 0;
  while (n < most) {
    const next = at + WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
    if (next - offset > room && (n > 0 || !first)) break;
    at = next;
    n++;
    if (((idLow + n) & 31) === 0 && !autoAck) {
      leasePart(queue, extent, fragmentFirst, n, fragmentAt, at, holder, delivery, deadline);
      fragmentFirst = n;
      fragmentAt = at;
    }
  }
  if (n === 0) return 0;
  if (n > fragmentFirst && !autoAck) {
    leasePart(queue, extent, fragmentFirst, n, fragmentAt, at, holder, delivery, deadline);
  }
  // What is gone with its delivery: the record stands before the answer, which waits for it then.
  if (autoAck) store.recordGone(extent, n);
  store.emit(extent, idLow, n, offset, at, delivery, deadline);
  queue.takenBytes += at - offset;
  if (autoAck) store.log.pages.release(extents.get(extent, ext.PAGE), n);
  cutFront(queue, extent, n, at);
  return n;
};

/** Makes a fragment in flight of the messages [first, end) of a fresh extent, whose entries are [start, stop). */
const leasePart = (
  queue: Queue,
  extent: number,
  first: number,
  end: number,
  start: number,
  stop: number,
  holder: Consumer | undefined,
  delivery: number,
  deadline: number,
): void => {
  const { extents, index } = queue.store;
  const fragment = extents.clone(extent);
  const idLow = extents.idLow(extent) + first;
  extents.set(fragment, ext.ID_LOW, idLow);
  extents.set(fragment, ext.SPAN, end - first);
  extents.set(fragment, ext.MASK, ext.bits(idLow & 31, end - first));
  extents.set(fragment, ext.OFFSET, start);
  extents.set(fragment, ext.BYTES, stop - start);
  index.add(fragment);
  queue.lease(fragment, end - first, holder, delivery, deadline);
};

const takeFragment = (
  queue: Queue,
  list: ExtentList,
  extent: number,
  limit: number,
  room: number,
  first: boolean,
  holder: Consumer | undefined,
  now: number,
): number => {
  const { store } = queue;
  const { extents } = store;
  const { autoAck, ttr } = queue.topic.config;
  const mask = extents.get(extent, ext.MASK);
  const chosen = firstMessages(store, extent, mask, limit, room, first);
  if (chosen === 0) return 0;
  let fragment = extent;
  if (chosen === mask) {
    list.remove(extents, extent);
    store.wheel.cancel(extent);
  } else {
    fragment = store.split(extent, chosen);
  }
  const count = ext.popcount(chosen);
  const delivery = autoAck ? 0 : store.nextDelivery();
  const deadline = autoAck ? 0 : now + ttr;
  if (autoAck) store.record(fragment, chosen, GONE);
  queue.takenBytes += store.emitMask(fragment, chosen, delivery, deadline);
  if (autoAck) store.drop(fragment);
  else queue.lease(fragment, count, holder, delivery, deadline);
  return count;
};

/** Takes n messages off the front of a fresh extent, whose next entry is at `offset`. */
export const cutFront = (queue: Queue, extent: number, n: number, offset: number): void => {
  const { extents } = queue.store;
  const span = extents.get(extent, ext.SPAN);
  if (n === span) {
    queue.ready.remove(extents, extent);
    extents.free(extent);
    return;
  }
  extents.set(extent, ext.ID_LOW, extents.get(extent, ext.ID_LOW) + n);
  extents.set(extent, ext.SPAN, span - n);
  extents.set(extent, ext.BYTES, extents.get(extent, ext.BYTES) - (offset - extents.get(extent, ext.OFFSET)));
  extents.set(extent, ext.OFFSET, offset);
};

/** The first messages in `mask` that fit into `limit` and `room`; if `first`, one fits whatever its size. */
export const firstMessages = (
  store: Store,
  extent: number,
  mask: number,
  limit: number,
  room: number,
  first: boolean,
): number => {
  const { extents } = store;
  const { view } = store.pageOf(extent);
  const span = extents.get(extent, ext.SPAN);
  const idLow = extents.idLow(extent);
  let at = extents.get(extent, ext.OFFSET);
  let chosen = 0;
  let left = limit;
  let bytes = 0;
  for (let i = 0; i < span && left > 0; i++) {
    const size = WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
    const bit = 1 << ((idLow + i) & 31);
    if ((mask & bit) !== 0) {
      bytes += size;
      if (bytes > room && (chosen !== 0 || !first)) break;
      chosen |= bit;
      left--;
    }
    at += size;
  }
  return chosen;
};
