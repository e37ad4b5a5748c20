/**
 * How far the program of a consumer that reports has come: what it was handed is its business, what lies ahead is nobody's
 * yet. What is held is in the order of deliveries; within one, a touch may have parted fragments that interleave. The
 * walks answer how many extents they moved, at most `max`.
 */
import * as ext from "../messages/extent.js";
import { consumerGone } from "../messages/failure.js";
import type { Queue } from "../messages/queue.js";
import type { Steps } from "../steps.js";
import type { Consumer } from "./consumer.js";

/** Acks what the program was handed. */
export const ackSeen = (consumer: Consumer, max: number): number =>
  endSeen(consumer, max, (queue, fragment, seen) => queue.ack(fragment, seen));

/** Gives back what lies ahead: the last first, so that each goes to the head of its queue. */
export const releaseAhead = (consumer: Consumer, now: number, max: number): number => {
  const { held, queue } = consumer;
  const { extents } = queue.store;
  let moved = 0;
  for (let fragment = held.tail; moved < max && fragment !== ext.NONE; ) {
    const previous = extents.get(fragment, ext.PREVIOUS);
    const ahead = consumer.aheadOf(fragment);
    if (ahead !== 0) {
      queue.release(fragment, ahead, now);
      moved++;
    } else if (!consumer.isWithin(fragment)) break;
    fragment = previous;
  }
  return moved;
};

/** Takes back what a consumer holds that is gone: what its program was handed has failed, the rest is given back. */
export const takeBack = (consumer: Consumer, now: number, max: number): number => {
  const { held, queue } = consumer;
  let moved = endSeen(consumer, max, (_, fragment, seen) => {
    if (consumer.acksSeen) queue.ack(fragment, seen);
    else queue.fail(fragment, seen, now, consumerGone(consumer));
  });
  moved += releaseAhead(consumer, now, max - moved);
  if (moved === 0 && held.head !== ext.NONE) {
    // Two billion deliveries ago: by its number it seems to lie ahead.
    queue.fail(held.head, queue.store.extents.get(held.head, ext.MASK), now, consumerGone(consumer));
    moved++;
  }
  return moved;
};

/** Ends what the program was handed. */
const endSeen = (
  consumer: Consumer,
  max: number,
  end: (queue: Queue, fragment: number, seen: number) => void,
): number => {
  const { held, queue } = consumer;
  const { extents } = queue.store;
  let moved = 0;
  for (let fragment = held.head; moved < max && fragment !== ext.NONE; ) {
    const next = extents.get(fragment, ext.NEXT);
    const seen = extents.get(fragment, ext.MASK) & ~consumer.aheadOf(fragment);
    if (seen !== 0) {
      end(queue, fragment, seen);
      moved++;
    } else if (!consumer.isWithin(fragment)) break;
    fragment = next;
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
