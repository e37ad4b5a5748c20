/** POP, POP_DEAD and BROWSE: what answers them, at once or when the shard has put them off. */
import assert from "node:assert/strict";
import type { Browse, Pop, PopDead } from "../../../src/shard/command.js";
import type { SeenMessage, Witness } from "./effects.js";
import { assertEnough, bytesOf, type Hands, handOut } from "./handout.js";
import { type ModelMessage, type ModelQueue, toldFailures } from "./queue.js";
import type { ModelTopic } from "./topic.js";

export type Fetch = Pop | PopDead | Browse;

const answer = ({ connection, request }: Fetch, witness: Witness): readonly SeenMessage[] => {
  const seen = witness.take("messages");
  assert.deepEqual([seen.connection, seen.request], [connection, request]);
  return seen.messages;
};

export const expectNothing = (fetch: Fetch, witness: Witness): void => assert.deepEqual(answer(fetch, witness), []);

/** A pop that has its turn. False: nothing is there for it. */
export const pop = (fetch: Pop, topic: ModelTopic, queue: ModelQueue, hands: Hands, witness: Witness): boolean => {
  const list = queue.list("ready");
  if (list.length === 0 || queue.paused) return false;
  const messages = answer(fetch, witness);
  assertEnough(list, messages, fetch.max, fetch.maxBytes);
  handOut(topic, queue, "ready", messages, undefined, hands);
  return true;
};

export const popDead = (fetch: PopDead, topic: ModelTopic, queue: ModelQueue, hands: Hands, witness: Witness): void => {
  const messages = answer(fetch, witness);
  assertEnough(queue.list("dead"), messages, fetch.max, fetch.maxBytes, fetch.withFailures);
  handOut(topic, queue, "dead", messages, undefined, hands, fetch.withFailures === true);
};

/** The time that a browse shows. */
const timeOf = (message: ModelMessage): number => {
  switch (message.state) {
    case "ready":
      return message.expiry === Number.POSITIVE_INFINITY ? 0 : message.expiry;
    case "delayed":
      return Math.min(message.due, message.expiry);
    case "in-flight":
      return message.due;
    case "dead":
      return message.diedAt;
  }
};

/**
 * Messages that share a place, a whole number, may stand in any order: the one that is seen is theirs from now on, before
 * those that have not been seen. `list` is in line but for such messages, and is put in the order seen; the page begins
 * at `offset`.
 */
const learnOrder = (list: ModelMessage[], offset: number, seen: readonly bigint[]): void => {
  const byId = new Map(list.map((message) => [message.id, message]));
  const page = seen.flatMap((id) => byId.get(id) ?? []);
  const places = list.map(({ place }) => place);
  const learned = new Set(list.filter(({ place }) => !Number.isInteger(place)));
  for (const [i, message] of page.entries()) {
    assert.equal(message.place, places[offset + i], `message ${message.id} is out of line`);
    // A page that begins among messages of one place does not say where they stand.
    if (message.place !== places[offset - 1]) learned.add(message);
  }
  const others = list.filter((message) => !page.includes(message));
  list.splice(0, list.length, ...others.slice(0, offset), ...page, ...others.slice(offset));
  // All of them anew: those that were learned before counted from another head of the list.
  for (const [i, message] of list.entries()) {
    if (learned.has(message)) message.place = Math.ceil(message.place) - 0.5 + (i + 1) / 2 ** 20;
  }
};

export const browse = (fetch: Browse, queue: ModelQueue, witness: Witness): void => {
  const messages = answer(fetch, witness);
  const seen = new Map(messages.map(({ id }, i) => [id, i]));
  assert.equal(seen.size, messages.length, "a message is shown twice");
  const list = queue.list(fetch.state);
  // Those in flight are in no line.
  if (fetch.state === "in-flight") list.sort((a, b) => (seen.get(a.id) ?? 1e9) - (seen.get(b.id) ?? 1e9));
  else learnOrder(list, fetch.offset, [...seen.keys()]);
  const rest = list.slice(fetch.state === "in-flight" ? 0 : fetch.offset);
  const expected = rest.slice(0, messages.length).map((message) => ({
    id: message.id,
    delivery: message.state === "in-flight" ? message.delivery : 0,
    retry: message.retry,
    reason: message.reason,
    time: timeOf(message),
    failures: fetch.withFailures === true ? toldFailures(message) : [],
    key: message.key,
    entry: message.entry,
  }));
  assert.deepEqual(messages, expected);
  // Of those in flight, the ones on earlier pages are not known.
  const left = [...rest.slice(0, messages.length), ...rest.slice(messages.length + fetch.offset)];
  if (fetch.state !== "in-flight") assertEnough(rest, messages, fetch.max, fetch.maxBytes, fetch.withFailures);
  else if (bytesOf(list) <= fetch.maxBytes) assertEnough(left, messages, fetch.max, fetch.maxBytes, fetch.withFailures);
};
