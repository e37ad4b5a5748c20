/**
 * What must have become of a shard when its journal has been read back: all that was in it, in the state it had, with
 * the times it had. What was in flight is ready again with its count kept, or dead again; what was in memory alone is
 * gone. No time has been played yet: what fell due meanwhile is still delayed, or past its time to live.
 */
import { isDeepStrictEqual } from "node:util";
import { Reason } from "../../src/protocol/run.js";
import { State } from "../../src/shard/messages/extent.js";
import type { Held, Photograph, QueueView, TopicView, View } from "./photograph.js";

const STATE_NAMES = ["free", "ready", "delayed", "in flight", "dead"] as const;

const says = (held: Held | undefined): string => {
  if (held === undefined) return "not there";
  const { state, reason, retry, time, expiry, failures, isKept } = held;
  const facts = { reason, retry, time, expiry, failures, isKept };
  return `${STATE_NAMES[state]} ${JSON.stringify(facts)}`;
};

/** A view at a moment; undefined: the thing was not there. */
interface At<T> {
  readonly view: T | undefined;
  readonly now: number;
}

/** What is in memory alone is not there for those who read the journal. */
const kept = <T extends { readonly isKept: boolean }>(view: T | undefined): T | undefined =>
  view?.isKept ? view : undefined;

/** Whether a message that was like this may be like that now. */
const mayBe = (was: Held | undefined, is: Held | undefined, then: number): boolean => {
  if (was === undefined || !was.isKept) return is === undefined;
  if (is === undefined || is.retry !== was.retry || is.reason !== was.reason || is.expiry !== was.expiry) return false;
  if (is.failures !== was.failures) return false;
  if (was.reason !== Reason.ALIVE) return is.state === State.DEAD && is.time === was.time;
  if (was.state === State.DELAYED) return is.state === State.DELAYED && is.time === was.time;
  // That a delay is over is not written down: it can be read off the clock.
  return is.state === State.READY || (is.state === State.DELAYED && is.time <= then);
};

/**
 * Within one turn a message can come back and be handed out for good; and of messages that fail together and are delayed, each
 * for a time of its own, it is written down first that they came back.
 */
const isBetween = (was: Held | undefined, willBe: Held | undefined, is: Held | undefined): boolean => {
  if (was?.state !== State.IN_FLIGHT || is === undefined) return false;
  if (willBe === undefined) {
    return mayBe({ ...was, retry: was.retry + 1, failures: is.failures }, is, Number.NEGATIVE_INFINITY);
  }
  const isPutOff = willBe.state === State.DELAYED && willBe.retry > was.retry;
  return isPutOff && mayBe({ ...willBe, state: State.READY, time: 0 }, is, Number.NEGATIVE_INFINITY);
};

/** What is asked of what was read back. */
export interface Terms {
  /** Messages that came between the two moments, and may be gone again. */
  readonly fresh: ReadonlySet<number>;
  /** Whether a message must have its place among the others. */
  holdsPlace(topic: string, queue: string, held: Held): boolean;
}

/**
 * Why `after` cannot be what was read back of one of two moments that followed one another; undefined: it can. When the
 * end came between them, either may be what has survived, of each thing. How the records of one command hang together
 * is not looked at here.
 */
export const difference = (earlier: Photograph, later: Photograph, after: View, terms: Terms): string | undefined => {
  for (const name of new Set([...earlier.topics.keys(), ...later.topics.keys(), ...after.topics.keys()])) {
    const choices = [earlier, later].map(({ topics, now }) => ({ view: kept(topics.get(name)), now }));
    const why = topicDifference(name, choices, after.topics.get(name), terms);
    if (why !== undefined) return `topic ${name}: ${why}`;
  }
  return undefined;
};

const topicDifference = (
  name: string,
  choices: readonly At<TopicView>[],
  after: TopicView | undefined,
  terms: Terms,
): string | undefined => {
  if (after === undefined) return choices.some(({ view }) => view === undefined) ? undefined : "it is gone";
  const facts = ({ config, startTime }: TopicView): unknown => [config, startTime];
  const known = choices.flatMap(({ view }) => (view === undefined ? [] : [facts(view)]));
  if (!known.some((each) => isDeepStrictEqual(each, facts(after)))) {
    return `it is ${JSON.stringify(facts(after))}, was ${known.map((each) => JSON.stringify(each)).join(" or ")}`;
  }
  for (const bindKey of new Set([
    ...choices.flatMap(({ view }) => [...(view?.queues.keys() ?? [])]),
    ...after.queues.keys(),
  ])) {
    const queues = choices.map(({ view, now }) => ({ view: kept(view?.queues.get(bindKey)), now }));
    const holdsPlace = (held: Held): boolean => terms.holdsPlace(name, bindKey, held);
    const why = queueDifference(queues, after.queues.get(bindKey), terms, holdsPlace);
    if (why !== undefined) return `queue ${bindKey}: ${why}`;
  }
  return undefined;
};

const queueDifference = (
  choices: readonly At<QueueView>[],
  after: QueueView | undefined,
  terms: Terms,
  holdsPlace: (held: Held) => boolean,
): string | undefined => {
  const known = choices.flatMap(({ view }) => (view === undefined ? [] : [view]));
  if (after === undefined) return known.length < choices.length ? undefined : "it is gone";
  if (known.length === 0) return "it was not there";
  if (!known.some(({ isDeclared }) => isDeclared === after.isDeclared)) {
    return `it is ${after.isDeclared ? "" : "not "}declared`;
  }
  if (!known.some(({ paused }) => paused === after.paused)) return `it is ${after.paused ? "" : "not "}paused`;
  for (const key of new Set([...known.flatMap(({ messages }) => [...messages.keys()]), ...after.messages.keys()])) {
    const is = after.messages.get(key);
    const were = choices.map(({ view, now }) => ({ was: view?.messages.get(key), now }));
    if (terms.fresh.has(key) && is?.retry === 0) continue;
    if (isBetween(were[0]?.was, were[1]?.was, is)) continue;
    if (!were.some(({ was, now }) => mayBe(was, is, now))) {
      return `message ${key} is ${says(is)}, was ${were.map(({ was }) => says(was)).join(" or ")}`;
    }
  }
  return orderDifference(known, after, holdsPlace);
};

/** What was ready and is ready has kept its order. */
const orderDifference = (
  known: readonly QueueView[],
  after: QueueView,
  holdsPlace: (held: Held) => boolean,
): string | undefined => {
  // Of two moments the order of what is ready in both is known.
  const isReady = (queue: QueueView, key: number): boolean => queue.messages.get(key)?.state === State.READY;
  const isIn = (key: number): boolean => {
    const held = after.messages.get(key);
    return held?.state === State.READY && known.every((each) => isReady(each, key)) && holdsPlace(held);
  };
  const order = (queue: QueueView): number[] => [...queue.messages.keys()].filter(isIn);
  const is = order(after);
  const were = known.map(order);
  if (were.some((was) => isDeepStrictEqual(was, is))) return undefined;
  return `what is ready has the order ${is.join()}, had ${were.map((was) => was.join()).join(" or ")}`;
};

/** Whether a topic is another one for those who read the journal. */
export const isChanged = (before: TopicView | undefined, after: TopicView | undefined): boolean =>
  !isDeepStrictEqual(forGood(kept(before)), forGood(kept(after)));

/** What of a topic is in the journal, or should be. */
const forGood = (topic: TopicView | undefined): unknown => {
  if (topic === undefined) return undefined;
  const queues = [...topic.queues].filter(([, { isKept }]) => isKept);
  return [
    topic.config,
    topic.startTime,
    new Map(queues.map(([name, { paused, isDeclared, messages }]) => [name, [paused, isDeclared, lasting(messages)]])),
  ];
};

/** Messages in flight are ready again, or dead. */
const lasting = (messages: ReadonlyMap<number, Held>): ReadonlyMap<number, unknown> =>
  new Map(
    [...messages]
      .filter(([, { isKept }]) => isKept)
      .map(([key, { state, reason, retry, time, expiry, failures }]) => {
        const rest = state === State.IN_FLIGHT ? (reason === Reason.ALIVE ? State.READY : State.DEAD) : state;
        return [key, [rest, reason, retry, time, expiry, failures]];
      }),
  );
