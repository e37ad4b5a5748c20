/**
 * What a shard knows, message by message, as far as it is to survive: for comparing a shard with one that was read back.
 */
import { expect } from "vitest";
import { SIZE_MASK, WORD_BYTES } from "../../src/protocol/entry.js";
import { formatId } from "../../src/protocol/id.js";
import * as record from "../../src/shard/log/record.js";
import * as ext from "../../src/shard/messages/extent.js";
import type { ExtentList } from "../../src/shard/messages/extent-list.js";
import type { Queue } from "../../src/shard/messages/queue.js";
import type { Shard } from "../../src/shard/shard.js";

export interface SeenMessage {
  readonly id: string;
  readonly state: number;
  readonly retry: number;
  readonly reason: number;
  /** When it is due or died; of ready ones 0. */
  readonly time: number;
  readonly expiry: number;
  readonly key: string;
  readonly entry: string;
  /** In flight, and its time to live is over: it expires when it comes back. */
  readonly isOverdue: boolean;
  /** Its failures, as they are laid out. */
  readonly failures: string;
}

export interface SeenQueue {
  readonly topic: string;
  readonly config: unknown;
  readonly bindKey: string;
  readonly number: number;
  readonly paused: boolean;
  readonly isDeclared: boolean;
  /** By id. */
  readonly messages: readonly SeenMessage[];
  /** Ids of ready messages that were never delivered nor delayed, in the order in which they will be. */
  readonly order: readonly string[];
}

/** Everything; what is in flight counts as ready, or as dead if it was that before. */
export const snapshot = (shard: Shard): readonly SeenQueue[] => {
  const seen: SeenQueue[] = [];
  for (const topic of shard.directory.topics) {
    for (const queue of topic.queues.values()) {
      // The journal knows nothing of it: it is there because somebody asked.
      if (!queue.isRecorded) continue;
      const messages = listsOf(queue).flatMap((list) => messagesOf(shard, list));
      seen.push({
        topic: topic.name,
        config: topic.config,
        bindKey: queue.bindKey,
        number: queue.number,
        paused: queue.paused,
        isDeclared: queue.isDeclared,
        messages: messages.sort((a, b) => (a.id.padStart(20) < b.id.padStart(20) ? -1 : 1)),
        order: messagesOf(shard, queue.ready, true).map(({ id }) => id),
      });
    }
  }
  for (const { name, settings, numbering, queue } of shard.directory.channels.byName.values()) {
    if (!queue.isRecorded) continue;
    const { number, paused, isDeclared, bindKey } = queue;
    const messages = messagesOf(shard, queue.ready);
    const order = messages.map(({ id }) => id);
    const config = { ...settings, ...numbering };
    seen.push({ topic: `channel ${name}`, config, bindKey, number, paused, isDeclared, messages, order });
  }
  return seen.sort((a, b) => a.number - b.number);
};

const listsOf = (queue: Queue): ExtentList[] => [
  queue.ready,
  queue.delayed,
  queue.dead,
  queue.popped,
  ...[...queue.holders].map(({ held }) => held),
];

const messagesOf = (shard: Shard, list: ExtentList, freshOnly = false): SeenMessage[] => {
  const { extents, wheel } = shard.store;
  const seen: SeenMessage[] = [];
  for (let extent = list.head; extent !== ext.NONE; extent = extents.get(extent, ext.NEXT)) {
    const { view, bytes } = shard.store.pageOf(extent);
    const at = extents.get(extent, ext.RECORD);
    // A message with a key may have been put off when it was ready.
    const isDelayed = view.getFloat64(at + record.DUE) > 0 || record.isKind(view, at, record.BatchKind.KEYED);
    const isRedriven = (extents.get(extent, ext.FLAGS) & ext.REDRIVEN) !== 0;
    if (freshOnly && (isRedriven || extents.retry(extent) > 0 || isDelayed || extents.times[extent] !== 0)) continue;
    const names = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH);
    const key = Buffer.from(bytes.subarray(names, names + view.getUint8(at + record.KEY_LENGTH))).toString();
    const reason = extents.reason(extent);
    const state = extents.state(extent) === ext.State.IN_FLIGHT ? stateOfHeld(reason) : extents.state(extent);
    const time = extents.times[extent] ?? 0;
    let offset = extents.get(extent, ext.OFFSET);
    for (let i = 0; i < extents.get(extent, ext.SPAN); i++) {
      const size = WORD_BYTES + (view.getUint32(offset) & SIZE_MASK);
      const low = extents.idLow(extent) + i;
      const isIn = !extents.isFragment(extent) || ((extents.get(extent, ext.MASK) >>> (low & 31)) & 1) === 1;
      if (isIn) {
        seen.push({
          id: formatId(extents.idHigh(extent), low),
          state,
          retry: extents.retry(extent),
          reason,
          time: state === ext.State.DEAD ? time : state === ext.State.DELAYED ? wheel.dueOf(extent) : 0,
          expiry: state === ext.State.DEAD ? 0 : time,
          key,
          failures: Buffer.from(shard.store.failuresOf(extent) ?? []).toString("latin1"),
          isOverdue:
            extents.state(extent) === ext.State.IN_FLIGHT && reason === 0 && time > 0 && time <= shard.store.now,
          entry: Buffer.from(bytes.subarray(offset, offset + size)).toString("latin1"),
        });
      }
      offset += size;
    }
  }
  return seen;
};

/**
 * Throws when a shard that was read back is not the one before: what was in flight is ready again somewhere, and expires
 * if its time is over; everything else is as it was, in its order.
 */
export const expectSurvived = (before: readonly SeenQueue[], after: readonly SeenQueue[]): void => {
  const overdue = new Set(before.flatMap(({ messages }) => messages.filter((m) => m.isOverdue).map(({ id }) => id)));
  const comparable = (seen: readonly SeenQueue[]): unknown =>
    seen.map(({ order, messages, ...queue }) => ({
      ...queue,
      messages: messages.filter(({ id }) => !overdue.has(id)),
    }));
  expect(comparable(after)).toEqual(comparable(before));
  for (const [i, { order }] of before.entries()) {
    const known = new Set(order);
    expect(after[i]?.order.filter((id) => known.has(id))).toEqual([...known]);
  }
};

const stateOfHeld = (reason: number): number => (reason === 0 ? ext.State.READY : ext.State.DEAD);
