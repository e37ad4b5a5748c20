/** Drops the messages of a queue by their state, and re-drives dead letters: any number of them, in steps. */
import type { Command, MessageState } from "../command.js";
import type { Steps } from "../steps.js";
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { Queue } from "./queue.js";

export const ALL_STATES = ["ready", "delayed", "in-flight", "dead"] as const;

/** Drops up to `max` extents of messages in a state, the oldest first. Answers how many messages. */
export const drop = (queue: Queue, state: MessageState, max: number): number => {
  switch (state) {
    case "ready":
      return dropSome(queue, queue.ready, max, (count, bytes) => {
        queue.readyCount -= count;
        queue.readyBytes -= bytes;
      });
    case "delayed":
      return dropSome(queue, queue.delayed, max, (count, bytes) => {
        queue.delayedCount -= count;
        queue.delayedBytes -= bytes;
      });
    case "dead":
      return dropSome(queue, queue.dead, max, (count) => {
        queue.deadCount -= count;
      });
    case "in-flight":
      return dropInFlight(queue, max);
  }
};

const dropInFlight = (queue: Queue, max: number): number => {
  let left = max;
  const dropped = (count: number): void => {
    queue.inFlightCount -= count;
    left--;
  };
  let messages = dropSome(queue, queue.popped, left, dropped);
  for (const holder of queue.holders) {
    if (left <= 0) break;
    const held = dropSome(queue, holder.held, left, dropped);
    if (held > 0) holder.onReturned(held);
    messages += held;
  }
  return messages;
};

const dropSome = (
  { store }: Queue,
  list: ExtentList,
  max: number,
  dropped: (count: number, bytes: number) => void,
): number => {
  const { extents } = store;
  let messages = 0;
  for (let left = max; left > 0 && list.head !== ext.NONE; left--) {
    const extent = list.head;
    const count = extents.count(extent);
    const isFragment = extents.isFragment(extent);
    dropped(count, isFragment ? store.bytesOf(extent, extents.get(extent, ext.MASK)) : extents.get(extent, ext.BYTES));
    list.remove(extents, extent);
    store.discard(extent);
    messages += count;
  }
  return messages;
};

/** Drops as many messages of a state, the oldest first, as there are when it begins. Answers how many it dropped. */
export function* purge(queue: Queue, state: MessageState): Steps<Command, number> {
  const max = queue.count(state);
  let messages = 0;
  while (messages < max) {
    // An extent has at least one message.
    const dropped = drop(queue, state, Math.min(queue.store.stepExtents, max - messages));
    messages += dropped;
    if (dropped === 0) break;
    if (messages < max) yield;
  }
  return messages;
}

/** Re-drives as many dead letters, the oldest first, as there are when it begins. Answers how many. */
export function* redriveAll(queue: Queue): Steps<Command, number> {
  const { store, dead } = queue;
  const { extents } = store;
  const max = queue.deadCount;
  let messages = 0;
  let left = store.stepExtents;
  while (messages < max && dead.head !== ext.NONE) {
    if (left-- <= 0) {
      yield;
      left = store.stepExtents;
      continue;
    }
    messages += extents.count(dead.head);
    queue.redrive(dead.head, extents.get(dead.head, ext.MASK));
  }
  return messages;
}
