/**
 * What a full queue does: it refuses, or drops its oldest messages, as its topic says.
 */
import { SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import * as ext from "./extent.js";
import type { Queue } from "./queue.js";
import { cutFront, firstMessages } from "./take.js";

/** Whether `count` messages of `bytes` fit, and if the topic drops the oldest for them, after how much of that. */
export const canHold = (queue: Queue, count: number, bytes: number): boolean => {
  const { maxLength, maxBytes, overflow } = queue.topic.config;
  const length = queue.length + count - (overflow === "drop-oldest" ? queue.readyCount : 0);
  const size = queue.bytes + bytes - (overflow === "drop-oldest" ? queue.readyBytes : 0);
  return (maxLength === 0 || length <= maxLength) && (maxBytes === 0 || size <= maxBytes);
};

/** Drops the oldest ready messages until `count` messages of `bytes` fit. `canHold` has said that they can. */
export const makeRoom = (queue: Queue, count: number, bytes: number): void => {
  const { maxLength, maxBytes } = queue.topic.config;
  const isFull = (): boolean =>
    (maxLength > 0 && queue.length + count > maxLength) || (maxBytes > 0 && queue.bytes + bytes > maxBytes);
  while (isFull() && queue.readyCount > 0) {
    dropFirst(queue);
    queue.topic.dropped++;
  }
};

const dropFirst = (queue: Queue): void => {
  const { store } = queue;
  const { extents, log } = store;
  const extent = queue.ready.head;
  const { view } = store.pageOf(extent);
  queue.readyCount--;
  if (extents.isFragment(extent)) {
    const first = firstMessages(store, extent, extents.get(extent, ext.MASK), 1, 0, true);
    queue.readyBytes -= store.bytesOf(extent, first);
    if (store.release(extent, first)) {
      queue.ready.remove(extents, extent);
      store.retire(extent);
    }
    return;
  }
  const offset = extents.get(extent, ext.OFFSET);
  const size = WORD_BYTES + (view.getUint32(offset) & SIZE_MASK);
  queue.readyBytes -= size;
  const page = extents.get(extent, ext.PAGE);
  store.recordGone(extent, 1);
  cutFront(queue, extent, 1, offset + size);
  log.pages.release(page, 1);
};
