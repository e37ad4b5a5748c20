/**
 * The laws of handing messages out. Which of several consumers gets a message is the shard's choice; that the first in
 * line go first, that nobody gets more than their credit, that no delivery number comes twice, and that nobody is
 * passed over, is not.
 */
import assert from "node:assert/strict";
import { FAILURE_TEXTS } from "../../../src/protocol/failure.js";
import { FAILURES_LENGTH_BYTES } from "../../../src/protocol/run.js";
import type { SeenMessage } from "./effects.js";
import { type ModelMessage, type ModelQueue, nextPlace, toldFailures, type Waiter } from "./queue.js";
import type { ModelTopic } from "./topic.js";

/** What a consumer is handed at a time, while others wait for their turn. */
const SERVING_MESSAGES = 512;
const SERVING_BYTES = 256 * 1024;

export interface Hands {
  readonly now: number;
  /** Up to when the shard has had its turns: what was due by then has happened. */
  readonly playedTo: number;
  readonly isHeld: (connection: number) => boolean;
}

/** May be handed a message now. */
export const isServed = (hands: Hands, queue: ModelQueue, waiter: Waiter): boolean =>
  waiter.credit > 0 && !queue.paused && !hands.isHeld(waiter.connection);

/** Messages taken from the front of a list are those that were first in line, as they are. */
const takeFirst = (
  list: readonly ModelMessage[],
  seen: readonly SeenMessage[],
  lease: number,
  withFailures: boolean,
): ModelMessage[] => {
  const left = new Set(list);
  return seen.map((message) => {
    const first = left.values().next().value;
    assert.ok(first !== undefined, `message ${message.id} was handed out of an empty list`);
    const match = [...left].find((other) => other.place !== first.place || other.id === message.id);
    assert.ok(match?.place === first.place, `message ${message.id} was handed out before ${first.id}`);
    assert.deepEqual(message, {
      id: match.id,
      delivery: message.delivery,
      retry: match.retry,
      reason: match.reason,
      time: lease,
      failures: withFailures ? toldFailures(match) : [],
      key: match.key,
      entry: match.entry,
    });
    left.delete(match);
    return match;
  });
};

/** What a message counts in an answer of so many bytes: its entry, and the failures that are told of it. */
const weightOf = ({ entry, failures }: Pick<SeenMessage, "entry" | "failures">): number => {
  if (failures.length === 0) return entry.length;
  const each = failures.map(({ consumer, reason }) => FAILURE_TEXTS + Buffer.byteLength(consumer + reason));
  return entry.length + FAILURES_LENGTH_BYTES + each.reduce((sum, bytes) => sum + bytes, 0);
};

export const bytesOf = (messages: readonly Pick<SeenMessage, "entry" | "failures">[]): number =>
  messages.reduce((bytes, message) => bytes + weightOf(message), 0);

/** Messages that were handed out. */
let lines = 0;

/** Moves messages that were seen leaving a list (ready or dead) into the hands of somebody. */
export const handOut = (
  topic: ModelTopic,
  queue: ModelQueue,
  from: "ready" | "dead",
  seen: readonly SeenMessage[],
  holder: Waiter | undefined,
  { now, playedTo }: Hands,
  withFailures = false,
): void => {
  const { ttr } = topic.config;
  const isGone = topic.config.autoAck && holder?.reports !== true;
  const taken = takeFirst(queue.list(from), seen, isGone ? 0 : now + ttr, withFailures);
  const numbers = new Set(seen.map(({ delivery }) => delivery));
  for (const number of numbers) {
    assert.equal(number === 0, isGone, `delivery ${number}`);
    assert.ok(!queue.deliveries.has(number), `delivery number ${number} was given before`);
  }
  topic.counters.delivered += taken.length;
  for (const [i, message] of taken.entries()) {
    assert.ok(
      from === "dead" || message.expiry > playedTo,
      `message ${message.id} was handed out after its time to live`,
    );
    if (isGone) {
      queue.messages.delete(message.id);
      continue;
    }
    const delivery = seen[i]?.delivery ?? 0;
    queue.deliveries.add(delivery);
    const line = message.line || ++lines;
    queue.join(message, "in-flight");
    message.line = line;
    message.delivery = delivery;
    message.due = now + ttr;
    message.fromDead = from === "dead";
    message.holder = holder?.kind === "consumer" ? holder : undefined;
    if (holder?.reports === true) message.ordinal = holder.sent.push({ delivery, id: message.id });
  }
};

/** No less than asked for: either the list is empty, or the next message would not have fitted. */
export const assertEnough = (
  list: readonly ModelMessage[],
  seen: readonly SeenMessage[],
  max: number,
  maxBytes: number,
  withFailures = false,
): void => {
  assert.ok(seen.length <= max, `${seen.length} messages where ${max} were asked for`);
  const bytes = bytesOf(seen);
  assert.ok(seen.length <= 1 || bytes <= maxBytes, `${bytes} bytes where ${maxBytes} were asked for`);
  const next = list[seen.length];
  if (seen.length === max || next === undefined) return;
  assert.ok(seen.length > 0, "messages were there and none was handed out");
  // Of messages that share a place, any may have been the next.
  const equals = list.filter(({ place }) => place === next.place);
  const told = (message: ModelMessage) => ({ ...message, failures: withFailures ? toldFailures(message) : [] });
  const largest = Math.max(...equals.map((message) => weightOf(told(message))));
  assert.ok(bytes + largest > maxBytes, `${seen.length} messages where more would have fitted`);
};

/** Turns are taken: nobody who could be served has waited for longer. */
const assertTurn = (hands: Hands, queue: ModelQueue, served: Waiter): void => {
  const passed = queue.waiters.find((other) => other.since < served.since && isServed(hands, queue, other));
  assert.equal(passed, undefined, `${served.kind} ${served.request} was served before its turn`);
};

/** Messages were pushed to a waiter. */
export const serve = (
  hands: Hands,
  topic: ModelTopic,
  queue: ModelQueue,
  waiter: Waiter,
  seen: readonly SeenMessage[],
): void => {
  assert.ok(seen.length > 0, "nothing was pushed");
  assert.ok(isServed(hands, queue, waiter), `${waiter.kind} ${waiter.request} is not to be served`);
  assertTurn(hands, queue, waiter);
  const list = queue.list("ready");
  if (waiter.kind === "pop") {
    assertEnough(list, seen, waiter.credit, waiter.maxBytes);
    handOut(topic, queue, "ready", seen, waiter, hands);
    queue.remove(waiter);
    return;
  }
  assertEnough(list, seen, Math.min(waiter.credit, SERVING_MESSAGES), SERVING_BYTES);
  waiter.credit -= seen.length;
  waiter.since = nextPlace();
  handOut(topic, queue, "ready", seen, waiter, hands);
};

/** Somebody who could be served and waits for messages that are there. */
export const findStarved = (hands: Hands, queue: ModelQueue): Waiter | undefined =>
  queue.count("ready") === 0 ? undefined : queue.waiters.find((waiter) => isServed(hands, queue, waiter));

export const assertNobodyStarves = (hands: Hands, queue: ModelQueue): void => {
  assert.equal(findStarved(hands, queue), undefined, "somebody with credit waits although messages are ready");
};
