/**
 * What a full queue does: it refuses, or drops its oldest messages, as its topic says.
 */
import { skipEntries } from "../../protocol/entry.js";
import * as ext from "./extent.js";
import type { Queue } from "./queue.js";
import { cutFront, firstMessages } from "./take.js";

/** Whether `count` messages of `bytes` fit, if need be after the oldest are dropped, as far as the topic does that. */
export const canHold = (queue: Queue, count: number, bytes: number): boolean => {
  const { maxLength, maxBytes, overflow } = queue.topic.config;
  const length = queue.length + count - (overflow === "drop-oldest" ? queue.readyCount : 0);
  const size = queue.bytes + bytes - (overflow === "drop-oldest" ? queue.readyBytes : 0);
  return (maxLength === 0 || length <= maxLength) && (maxBytes === 0 || size <= maxBytes);
};

/**
 * About how many messages a queue that drops the oldest has over its limit, which may have been lowered; otherwise 0.
 */
export const excessOf = (queue: Queue): number => {
  const { maxLength, maxBytes, overflow } = queue.topic.config;
  if (overflow !== "drop-oldest" || queue.readyCount === 0) return 0;
  const messages = maxLength > 0 ? queue.length - maxLength : 0;
  const bytes = maxBytes > 0 ? queue.bytes - maxBytes : 0;
  const each = queue.readyBytes / queue.readyCount;
  return Math.max(0, Math.min(queue.readyCount, Math.max(messages, each > 0 ? bytes / each : 0)));
};

/** Drops up to `max` of the messages that a queue has over its limit, the oldest first. Answers how many. */
export const shrink = (queue: Queue, max: number): number => {
  const { maxLength, maxBytes } = queue.topic.config;
  const { readyCount } = queue;
  if (maxLength > 0) dropOldest(queue, Math.min(max, queue.length - maxLength));
  const isOver = (): boolean => maxBytes > 0 && queue.bytes > maxBytes && queue.readyCount > 0;
  while (readyCount - queue.readyCount < max && isOver()) dropFront(queue, 1);
  return readyCount - queue.readyCount;
};

/** Drops up to `max` of the oldest ready messages. */
const dropOldest = (queue: Queue, max: number): void => {
  for (let left = Math.min(max, queue.readyCount); left > 0; ) left -= dropFront(queue, left);
};

/** Drops the oldest ready messages until `count` messages of `bytes` fit. `canHold` was true. */
export const makeRoom = (queue: Queue, count: number, bytes: number): void => {
  const { maxLength, maxBytes } = queue.topic.config;
  if (maxLength > 0) dropOldest(queue, queue.length + count - maxLength);
  if (maxBytes > 0) while (queue.bytes + bytes > maxBytes && queue.readyCount > 0) dropFront(queue, 1);
};

/** Drops up to `max` messages of the oldest extent; answers how many. */
export const dropFront = (queue: Queue, max: number): number => {
  const { store } = queue;
  const { extents, log } = store;
  const extent = queue.ready.head;
  const { view } = store.pageOf(extent);
  if (extents.isFragment(extent)) {
    const first = firstMessages(store, extent, extents.get(extent, ext.MASK), max, Number.POSITIVE_INFINITY, true);
    const count = ext.popcount(first);
    queue.readyBytes -= store.bytesOf(extent, first);
    if (store.release(extent, first)) {
      queue.ready.remove(extents, extent);
      store.retire(extent);
    }
    queue.readyCount -= count;
    queue.topic.dropped += count;
    store.totals.dropped += count;
    return count;
  }
  const count = Math.min(max, extents.get(extent, ext.SPAN));
  const start = extents.get(extent, ext.OFFSET);
  const offset = skipEntries(view, start, count);
  const page = extents.get(extent, ext.PAGE);
  queue.readyBytes -= offset - start;
  queue.readyCount -= count;
  queue.topic.dropped += count;
  store.totals.dropped += count;
  store.recordGone(extent, count);
  cutFront(queue, extent, count, offset);
  log.pages.release(page, count);
  return count;
};
