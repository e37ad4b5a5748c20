/**
 * What becomes of messages whose delivery has failed: that they have is noted, and they are tried again, at once or later, or
 * are dead letters.
 */
import { Failed } from "../../protocol/failure.js";
import { Reason } from "../../protocol/run.js";
import { Brake } from "./brake.js";
import * as ext from "./extent.js";
import type { Failure } from "./failure.js";
import { FailureHistories } from "./failure-histories.js";
import type { QueueTopic } from "./queue-context.js";
import { isTooOld, retryDelay } from "./retry-policy.js";
import type { Store } from "./store.js";

/** The queue that they are of, and the moves that they can make in it: see `Queue`. */
interface Owner {
  readonly store: Store;
  readonly topic: QueueTopic;
  brake: Brake | undefined;
  makeReady(part: number, expiry: number): void;
  postpone(part: number, due: number, failures?: Uint8Array): void;
  expire(part: number, now: number, failures?: Uint8Array): void;
  deadLetter(part: number, reason: number, now: number, failures?: Uint8Array): void;
  record(part: number, state: number, time: number, failures?: Uint8Array): void;
}

/** `part` is a fragment in no list, of `count` messages. */
export const requeue = (queue: Owner, part: number, count: number, now: number, failure: Failure): void => {
  const { store, topic } = queue;
  const { extents } = store;
  const retry = extents.retry(part) + 1;
  const expiry = store.expiryOf(part);
  extents.setStatus(part, ext.State.READY, Reason.ALIVE, retry);
  topic.retried += count;
  store.totals.retried += count;
  if (topic.config.brake > 0) {
    queue.brake ??= new Brake();
    queue.brake.failed(count, topic.config.brake, now);
  }
  const failures = note(queue, part, retry, now, failure);
  if (failure.how === Failed.REJECTED) queue.deadLetter(part, Reason.REJECTED, now, failures);
  else if (retry > topic.config.retries) queue.deadLetter(part, Reason.RETRIES, now, failures);
  else if (isPastAge(queue, part, now)) queue.deadLetter(part, Reason.TOO_OLD, now, failures);
  else if (expiry > 0 && expiry <= now) queue.expire(part, now, failures);
  else if (failure.delay === undefined) backOff(queue, part, retry, now, failures);
  else putBehind(queue, part, now, failure.delay, failures);
};

/** What is known of a topic's failures; it begins with the first of them. */
export const historiesOf = ({ store, topic }: Pick<Owner, "store" | "topic">): FailureHistories => {
  topic.failures ??= new FailureHistories(store);
  return topic.failures;
};

/** Adds a failure to the history of messages. Answers it as records have it; undefined: there is no room for it. */
const note = (queue: Owner, part: number, retry: number, now: number, failure: Failure): Uint8Array | undefined => {
  const { extents } = queue.store;
  const histories = historiesOf(queue);
  const before = extents.historyOf(part);
  // Of one whose history was lost at least those since it was re-driven are known.
  const number = Math.max(histories.count(before) + 1, retry);
  const history = histories.add(before, number, now, failure);
  extents.setHistory(part, history);
  return history === 0 ? undefined : histories.encodeLast(history);
};

/** What was re-driven begins anew, however old it is. */
const isPastAge = ({ store, topic }: Owner, part: number, now: number): boolean => {
  const { extents } = store;
  const isRedriven = (extents.get(part, ext.FLAGS) & ext.REDRIVEN) !== 0;
  return !isRedriven && isTooOld(topic.config, extents.idHigh(part), extents.idLow(part), now);
};

/** Messages are tried again when the topic's policy says. With a jitter each of them has a time of its own. */
const backOff = (queue: Owner, part: number, retry: number, now: number, failures: Uint8Array | undefined): void => {
  const { store, topic } = queue;
  const { extents } = store;
  const { retryDelay: first, retryJitter } = topic.config;
  const delayOf = (bit: number): number => {
    const idLow = (extents.idLow(part) & ~(ext.BLOCK - 1)) | (31 - Math.clz32(bit));
    return retryDelay(topic.config, retry, extents.idHigh(part), idLow >>> 0);
  };
  let told = failures;
  if (first > 0 && retryJitter > 0 && extents.count(part) > 1) {
    // Once for all of them: each has a record of its own behind it.
    queue.record(part, ext.State.READY, 0, failures);
    told = undefined;
    for (let bit = extents.lowest(part); bit !== extents.get(part, ext.MASK); bit = extents.lowest(part)) {
      putBehind(queue, store.split(part, bit), now, delayOf(bit), told);
    }
  }
  putBehind(queue, part, now, delayOf(extents.lowest(part)), told);
};

/** To the tail, at once or after a delay. */
const putBehind = (queue: Owner, part: number, now: number, delay: number, failures: Uint8Array | undefined): void => {
  if (delay > 0) return queue.postpone(part, now + delay, failures);
  queue.record(part, ext.State.READY, 0, failures);
  queue.makeReady(part, queue.store.expiryOf(part));
};
