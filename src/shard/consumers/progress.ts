/**
 * How far the program of a consumer that reports has come: what it was handed is its business, what lies ahead is nobody's
 * yet. The walks answer how many extents they moved, at most `max`.
 */
import * as ext from "../messages/extent.js";
import type { Steps } from "../steps.js";
import type { Consumer } from "./consumer.js";

/** Acks what the program was handed. */
export const ackSeen = (consumer: Consumer, max: number): number => {
  const { held, queue } = consumer;
  let moved = 0;
  for (; moved < max && held.head !== ext.NONE; moved++) {
    const seen = seenOf(consumer, held.head);
    if (seen === 0) break;
    queue.ack(held.head, seen);
  }
  return moved;
};

/** Gives back what lies ahead: the last first, so that each goes to the head of its queue. */
export const releaseAhead = (consumer: Consumer, now: number, max: number): number => {
  const { held, queue } = consumer;
  let moved = 0;
  for (; moved < max && held.tail !== ext.NONE; moved++) {
    const ahead = consumer.aheadOf(held.tail);
    if (ahead === 0) break;
    queue.release(held.tail, ahead, now);
  }
  return moved;
};

/** Takes back what a consumer holds that is gone: what its program was handed has failed, the rest is given back. */
export const takeBack = (consumer: Consumer, now: number, max: number): number => {
  const { held, queue } = consumer;
  let moved = 0;
  for (; moved < max && held.head !== ext.NONE; moved++) {
    const seen = seenOf(consumer, held.head);
    if (seen === 0) break;
    if (consumer.acksSeen) queue.ack(held.head, seen);
    else queue.fail(held.head, seen, now, 0, false);
  }
  moved += releaseAhead(consumer, now, max - moved);
  if (moved === 0 && held.head !== ext.NONE) {
    // Two billion deliveries ago: by its number it seems to lie ahead.
    queue.fail(held.head, queue.store.extents.get(held.head, ext.MASK), now, 0, false);
    moved++;
  }
  return moved;
};

/** Moves the deadlines of what lies ahead, in steps. */
export function* renewAhead(consumer: Consumer, deadline: number): Steps {
  const { held, queue } = consumer;
  const { extents, stepExtents } = queue.store;
  const cursor = held.openCursor();
  try {
    for (let left = stepExtents; cursor.at !== ext.NONE; left--) {
      if (left <= 0) {
        yield;
        left = stepExtents;
        continue;
      }
      const fragment = cursor.at;
      const ahead = consumer.aheadOf(fragment);
      if (ahead !== 0) queue.touch(fragment, ahead, deadline);
      cursor.at = extents.get(fragment, ext.NEXT);
    }
  } finally {
    held.closeCursor(cursor);
  }
}

/** Those messages of a fragment that the program was handed, as a mask. */
const seenOf = (consumer: Consumer, fragment: number): number =>
  consumer.queue.store.extents.get(fragment, ext.MASK) & ~consumer.aheadOf(fragment);
