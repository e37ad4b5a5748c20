/** Random histories of a shard: a topic with two queues and some configuration, and then whatever may happen. */
import fc from "fast-check";
import type { MessageState, TopicConfig } from "../../../src/shard/command.js";
import {
  CHANNELS,
  CONNECTIONS,
  KEYS,
  type KeyedWith,
  type Move,
  type Numbered,
  type Pick,
  STATES,
  type Step,
  TOPICS,
} from "./steps.js";
import { PATTERNS } from "./topic.js";

const DAY = 24 * 3600 * 1000;
const YEAR = 365 * DAY;

/** One of several, each as often as its weight says. */
const often = <T>(...choices: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<T>])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** One of several values. */
const one = fc.constantFrom;

/** A step of this kind. */
const step = <K extends Step["do"], T extends object>(
  kind: K,
  rest: { [P in keyof T]: fc.Arbitrary<T[P]> },
): fc.Arbitrary<T & { do: K }> => fc.record<T>(rest).map((fields) => ({ ...fields, do: kind }));

const topic = often([30, one("t")], [1, one(...TOPICS)]);
const queue = often<string>([5, one("default")], [4, one("a")], [1, one(...KEYS)]);
const connection = one(...CONNECTIONS);
const channel = often([4, one("c", "d")], [1, one(...CHANNELS)]);
const state = one(...STATES);
const at = { topic, queue };
const asking = { ...at, connection };

const smallTime = one(1, 2, 5, 10, 63, 64, 100, 1000);
const time = often([12, smallTime], [2, one(4096, 60_000, 300_000)], [1, one(DAY, YEAR)]);
const maybeTime = often([3, one(0)], [1, time]);

const few = fc.integer({ min: 1, max: 5 });
const count = often([6, few], [2, fc.integer({ min: 6, max: 40 })], [1, fc.integer({ min: 41, max: 100 })]);
const bytes = often([4, one(1024 * 1024)], [1, fc.integer({ min: 1, max: 600 })]);

const quote = often<Pick["quote"]>([6, one("right")], [3, one("none")], [1, one("wrong")]);
const picksOf = (from: MessageState): fc.Arbitrary<Pick[]> => {
  const source = often<Pick["from"]>([8, one(from)], [1, one(...STATES, "any")]);
  const pick = fc.record({ from: source, at: fc.nat(200), count: often([4, few], [1, count]), quote });
  return fc.array(pick, { minLength: 1, maxLength: 4 });
};
const settling = (from: MessageState) =>
  ({ ...asking, picks: picksOf(from), aim: often<number | undefined>([8, fc.nat(10)], [1, one(undefined)]) }) as const;

const overflow = one("refuse" as const, "drop-oldest" as const);
const config = fc.oneof<fc.Arbitrary<Partial<TopicConfig>>[]>(
  fc.record({ autoAck: fc.boolean() }),
  fc.record({ mode: one("exact", "pattern") }),
  fc.record({ ttr: time, retries: fc.nat(3) }),
  fc.record({ retries: one(0, 1, 5, 65_534) }),
  fc.record({
    retryDelay: one(0, 1, 100, 60_000),
    retryFactor: one(1, 1.5, 2, 1000),
    retryMaxDelay: one(0, 0, 150, 300_000),
    retryJitter: one(0, 0, 0.25, 1),
  }),
  fc.record({ retryMaxAge: one(0, 1, 100, 60_000) }),
  fc.record({ maxLength: one(0, 0, 0, 1, 5, 60), overflow }),
  fc.record({ maxBytes: one(0, 0, 0, 40, 2000), overflow }),
  fc.record({ expired: one("drop", "dead-letter") }),
  fc.record({ dedupWindow: time, dedupMessages: one(0, 1, 5, 60, 100_000) }),
);

/** One of the consumers that are there, or one that is not. */
const which = often<number | undefined>([8, fc.nat(20)], [1, one(undefined)]);
const key = often<string>([4, queue], [1, one(...PATTERNS.keys())]);
const merged = fc.boolean();
const numbered = fc.record<Numbered>({
  producer: often([3, one("p")], [1, one("q")]),
  back: often([2, one(0)], [3, few], [1, count]),
  unanswered: often<number | undefined>([4, one(undefined)], [1, few]),
});
const keyed = fc.record<KeyedWith>({
  first: fc.nat(12),
  circle: often([3, fc.integer({ min: 1, max: 12 })], [1, one(1000)]),
  window: often([3, one(0)], [2, smallTime], [1, time]),
  oneByOne: fc.boolean(),
});
const someKeys = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
const rarely = often([3, one(false)], [1, one(true)]);

const stepOf = (size: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  often<Step>(
    [14, step("wait", { time })],
    [1, step("stepBack", { time: smallTime })],
    [20, step("publish", { connection, topic, key, delay: maybeTime, ttl: maybeTime, count, size, merged })],
    [
      6,
      step("publish", {
        ...{ connection, topic, key, delay: maybeTime, ttl: maybeTime },
        count,
        size,
        merged,
        numbered,
      }),
    ],
    [
      8,
      step("publish", {
        ...{ connection, topic, key, delay: maybeTime, ttl: maybeTime },
        count,
        size,
        merged: one(false),
        keyed,
      }),
    ],
    [14, step("pop", { ...asking, max: count, maxBytes: bytes, wait: maybeTime })],
    [3, step("popDead", { ...asking, max: count, maxBytes: bytes })],
    [2, step("popDead", { ...asking, max: count, maxBytes: one(1024 * 1024), withFailures: one(true) })],
    [
      6,
      step("consume", {
        ...asking,
        credit: often([1, one(0)], [4, count]),
        renew: fc.boolean(),
        reports: fc.boolean(),
      }),
    ],
    [4, step("credit", { which, credit: often([4, count], [1, fc.integer({ min: -60, max: -1 })]) })],
    [3, step("stop", { which, givesBack: fc.boolean() })],
    [
      8,
      step("seen", {
        which,
        at: fc.nat(200),
        to: often<"it" | "beyond" | "none">([8, one("it")], [1, one("beyond", "none")]),
        renews: rarely,
      }),
    ],
    [3, step("answered", { topic, producer: one("p", "q"), all: often([4, one(true)], [1, one(false)]) })],
    [8, step("ack", settling("in-flight"))],
    [
      9,
      step("nack", {
        ...settling("in-flight"),
        delay: often<number | undefined>([3, maybeTime], [2, one(undefined)]),
        reject: rarely,
        reason: one("", "", "no", "Ärger"),
      }),
    ],
    [6, step("release", settling("in-flight"))],
    [9, step("touch", { ...settling("in-flight"), ttr: maybeTime })],
    [3, step("cancel", { ...settling("delayed"), all: fc.boolean() })],
    [4, step("reschedule", { ...settling("delayed"), all: fc.boolean(), delay: maybeTime })],
    [4, step("cancelKeys", { ...at, all: often([3, one(true)], [1, one(false)]), keys: someKeys })],
    [
      4,
      step("rescheduleKeys", { ...at, all: often([3, one(true)], [1, one(false)]), delay: maybeTime, keys: someKeys }),
    ],
    [2, step("redrive", settling("dead"))],
    [1, step("dropDead", settling("dead"))],
    [1, step("redrive", { ...settling("dead"), picks: one([]) })],
    [5, step("configure", { ...at, config })],
    [1, step("declareQueue", at)],
    [1, step("pause", at)],
    [3, step("resume", at)],
    [1, often<Step>([2, step("deleteQueue", at)], [1, step("deleteTopic", at)])],
    [1, often<Step>([2, step("stats", asking)], [1, step("topics", asking)])],
    [1, step("purge", { ...at, state: often<MessageState | "all">([4, state], [1, one("all")]) })],
    [2, step("browse", { ...asking, state, offset: fc.nat(40), max: count, maxBytes: bytes })],
    [2, step("hold", { connection })],
    [3, step("unhold", { connection })],
    [3, step("disconnect", { connection })],
  );

/** What happens to channels; batches are mostly so large that a few of them are more than a subscriber may miss. */
const channelStep = often<Step>(
  [
    4,
    step("subscribe", {
      connection,
      channel,
      overflow: often<"drop-oldest" | "disconnect">([2, one("drop-oldest")], [1, one("disconnect")]),
    }),
  ],
  [1, step("unsubscribe", { connection, channel })],
  [
    6,
    step("publishChannel", {
      channel,
      count: often([2, count], [1, fc.integer({ min: 2000, max: 4096 })]),
      size: one(10),
    }),
  ],
  [1, step("publishChannel", { channel, count: few, size: one(900_000) })],
  [3, step("hold", { connection })],
  [3, step("unhold", { connection })],
  [1, step("disconnect", { connection })],
);

const moves = (each: fc.Arbitrary<Step>, maxLength: number): fc.Arbitrary<Move[]> =>
  fc.array(fc.record({ step: each, turn: often([7, one(true)], [1, one(false)]) }), { maxLength, size: "max" });

const setUp = fc
  .tuple(
    one(["a"], ["a", "b"]),
    often<Partial<TopicConfig>>([2, one({})], [1, one({ mode: "pattern" })]),
    fc.array(config, { maxLength: 3 }),
  )
  .map(([queues, first, configs]): Move[] => {
    const declared = queues.map((queue): Step => ({ do: "declareQueue", topic: "t", queue }));
    const configured = [first, ...configs].map(
      (each): Step => ({ do: "configure", topic: "t", queue: "", config: each }),
    );
    return [...declared, ...configured].map((each) => ({ step: each, turn: true }));
  });

const historyOf = (size: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<Move[]> =>
  fc.tuple(setUp, moves(stepOf(size), maxLength)).map(([first, then]) => [...first, ...then]);

/** Small messages. */
export const history = historyOf(fc.nat(60), 100);
/** Large ones among them, so that bounds in bytes bite before those in messages. */
export const largeHistory = historyOf(often([3, fc.nat(60)], [1, fc.integer({ min: 10_000, max: 60_000 })]), 60);
export const channelHistory = moves(channelStep, 60);
