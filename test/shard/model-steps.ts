/**
 * Random histories of a shard, as plain data. A step names topics, queues and connections out of small sets, so that
 * they collide, and messages by what became of them: which ones these are is known only when the step is played.
 */
import fc from "fast-check";
import type { MessageState, TopicConfig } from "../../src/shard/command.js";
import { PATTERNS } from "./model-topic.js";

export const TOPICS = ["t", "u", "v", "w"] as const;
export const KEYS = ["", "default", "a", "b", "ab"] as const;
export const CHANNELS = ["c", "d"] as const;
export const CONNECTIONS = [1, 2, 3] as const;
export const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];

const DAY = 24 * 3600 * 1000;
const YEAR = 365 * DAY;

/** A piece of what a request selects: `from` says what for, `at` which of those, `count` how many from there on. */
export interface Pick {
  readonly from: MessageState | "any";
  readonly at: number;
  readonly count: number;
  /** The delivery number that is quoted. */
  readonly quote: "right" | "none" | "wrong";
}

interface At {
  readonly topic: string;
  readonly queue: string;
}

interface Asking extends At {
  readonly connection: number;
}

export type Step =
  | { readonly do: "wait"; readonly time: number }
  /** The clock steps back: the shard is told times that are over until it has caught up. */
  | { readonly do: "stepBack"; readonly time: number }
  | {
      readonly do: "publish";
      readonly connection: number;
      readonly topic: string;
      readonly key: string;
      readonly delay: number;
      readonly ttl: number;
      readonly count: number;
      readonly size: number;
      readonly merged: boolean;
    }
  | (Asking & { readonly do: "pop"; readonly max: number; readonly maxBytes: number; readonly wait: number })
  | (Asking & { readonly do: "popDead"; readonly max: number; readonly maxBytes: number })
  | (Asking & { readonly do: "consume"; readonly credit: number; readonly renew: boolean })
  | { readonly do: "credit" | "stop"; readonly which: number; readonly credit: number }
  | (Asking & { readonly do: "ack"; readonly picks: readonly Pick[] })
  | (Asking & {
      readonly do: "nack";
      readonly picks: readonly Pick[];
      readonly delay: number;
      readonly reject: boolean;
    })
  | (Asking & { readonly do: "touch"; readonly picks: readonly Pick[]; readonly ttr: number })
  | (Asking & { readonly do: "cancel"; readonly picks: readonly Pick[]; readonly all: boolean })
  | (Asking & {
      readonly do: "reschedule";
      readonly picks: readonly Pick[];
      readonly all: boolean;
      readonly delay: number;
    })
  | (Asking & { readonly do: "redrive"; readonly picks: readonly Pick[] })
  | (At & { readonly do: "configure"; readonly config: Partial<TopicConfig> })
  | (At & { readonly do: "declareQueue" | "deleteQueue" | "pause" | "resume" })
  | (At & { readonly do: "deleteTopic" | "topics" })
  | (At & { readonly do: "purge"; readonly state: MessageState | "all" })
  | (Asking & {
      readonly do: "browse";
      readonly state: MessageState;
      readonly offset: number;
      readonly max: number;
      readonly maxBytes: number;
    })
  | {
      readonly do: "subscribe";
      readonly connection: number;
      readonly channel: string;
      readonly overflow: "drop-oldest" | "disconnect";
    }
  | { readonly do: "unsubscribe"; readonly connection: number; readonly channel: string }
  | { readonly do: "publishChannel"; readonly channel: string; readonly count: number; readonly size: number }
  | { readonly do: "hold" | "release" | "disconnect"; readonly connection: number };

const topic = fc.oneof(
  { weight: 8, arbitrary: fc.constant("t") },
  { weight: 1, arbitrary: fc.constantFrom(...TOPICS) },
);
const queue = fc.oneof(
  { weight: 4, arbitrary: fc.constant("default") },
  { weight: 3, arbitrary: fc.constantFrom(...KEYS) },
);
const connection = fc.constantFrom(...CONNECTIONS);
const channel = fc.constantFrom(...CHANNELS);
const state = fc.constantFrom(...STATES);

const smallTime = fc.constantFrom(1, 2, 5, 10, 63, 64, 100, 1000);
const time = fc.oneof(
  { weight: 6, arbitrary: smallTime },
  { weight: 1, arbitrary: fc.constantFrom(4096, 60_000, 300_000, DAY, YEAR) },
);
const maybeTime = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: time });

const few = fc.integer({ min: 1, max: 5 });
const count = fc.oneof(
  { weight: 6, arbitrary: few },
  { weight: 2, arbitrary: fc.integer({ min: 6, max: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 41, max: 100 }) },
);
const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.constant(1024 * 1024) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 600 }) },
);

const pick: fc.Arbitrary<Pick> = fc.record({
  from: fc.oneof(
    { weight: 6, arbitrary: fc.constant("in-flight" as const) },
    { weight: 1, arbitrary: fc.constantFrom(...STATES, "any" as const) },
  ),
  at: fc.nat(200),
  count,
  quote: fc.oneof(
    { weight: 6, arbitrary: fc.constant("right" as const) },
    { weight: 2, arbitrary: fc.constant("none" as const) },
    { weight: 1, arbitrary: fc.constant("wrong" as const) },
  ),
});
const pickOf = (from: MessageState): fc.Arbitrary<Pick> =>
  fc.tuple(pick, fc.nat(5)).map(([each, n]) => (n === 0 ? each : { ...each, from }));
const picks = fc.array(pick, { minLength: 1, maxLength: 4 });
const picksOf = (from: MessageState): fc.Arbitrary<Pick[]> => fc.array(pickOf(from), { minLength: 1, maxLength: 4 });

const config: fc.Arbitrary<Partial<TopicConfig>> = fc.oneof(
  fc.record({ autoAck: fc.boolean() }),
  fc.record({ mode: fc.constantFrom("exact" as const, "pattern" as const) }),
  fc.record({ ttr: time, retries: fc.nat(3) }),
  fc.record({ retries: fc.constantFrom(0, 1, 5, 65_534) }),
  fc.record({
    maxLength: fc.constantFrom(0, 1, 5, 60),
    overflow: fc.constantFrom("refuse" as const, "drop-oldest" as const),
  }),
  fc.record({
    maxBytes: fc.constantFrom(0, 40, 2000),
    overflow: fc.constantFrom("refuse" as const, "drop-oldest" as const),
  }),
  fc.record({ expired: fc.constantFrom("drop" as const, "dead-letter" as const) }),
);

/** Bodies of about this many bytes. */
const publishOf = (size: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constant("publish" as const),
    connection,
    topic,
    key: fc.oneof({ weight: 2, arbitrary: queue }, { weight: 1, arbitrary: fc.constantFrom(...PATTERNS.keys()) }),
    delay: maybeTime,
    ttl: maybeTime,
    count,
    size,
    merged: fc.boolean(),
  });

const at = { topic, queue };
const asking = { ...at, connection };

const stepOf = (size: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ do: fc.constant("wait" as const), time }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("stepBack" as const), time: smallTime }) },
    { weight: 20, arbitrary: publishOf(size) },
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant("pop" as const),
        ...asking,
        max: count,
        maxBytes: bytes,
        wait: maybeTime,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("popDead" as const), ...asking, max: count, maxBytes: bytes }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("consume" as const),
        ...asking,
        credit: fc.oneof(fc.constant(0), count),
        renew: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("credit" as const), which: fc.nat(20), credit: count }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("stop" as const), which: fc.nat(20), credit: fc.constant(0) }),
    },
    { weight: 8, arbitrary: fc.record({ do: fc.constant("ack" as const), ...asking, picks }) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("nack" as const),
        ...asking,
        picks,
        delay: maybeTime,
        reject: fc.nat(4).map((n) => n === 0),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("touch" as const), ...asking, picks, ttr: maybeTime }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("cancel" as const),
        ...asking,
        picks: picksOf("delayed"),
        all: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("reschedule" as const),
        ...asking,
        picks: picksOf("delayed"),
        all: fc.boolean(),
        delay: maybeTime,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("redrive" as const),
        ...asking,
        picks: fc.oneof(fc.constant([]), picksOf("dead")),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("configure" as const), ...at, config }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom("declareQueue" as const, "declareQueue", "declareQueue", "pause", "resume", "resume"),
        ...at,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("deleteQueue" as const), ...at }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("deleteTopic" as const, "topics" as const), ...at }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("purge" as const),
        ...at,
        state: fc.oneof(state, fc.constant("all" as const)),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("browse" as const),
        ...asking,
        state,
        offset: fc.nat(40),
        max: count,
        maxBytes: bytes,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("subscribe" as const),
        connection,
        channel,
        overflow: fc.constantFrom("drop-oldest" as const, "disconnect"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("unsubscribe" as const), connection, channel }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("publishChannel" as const),
        channel,
        count: fc.oneof(count, fc.integer({ min: 2000, max: 4096 })),
        size: fc.constant(10),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom("hold" as const, "release", "release", "disconnect"), connection }),
    },
  );

const SMALL_BODY = fc.nat(60);
/** Large enough that segments of the log fill, and that bounds in bytes bite before those in messages. */
const LARGE_BODY = fc.oneof(
  { weight: 3, arbitrary: fc.nat(60) },
  { weight: 1, arbitrary: fc.integer({ min: 10_000, max: 60_000 }) },
);

/** A step, and whether the shard is given a turn after it. */
export interface Move {
  readonly step: Step;
  readonly turn: boolean;
}

const movesOf = (size: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<Move[]> =>
  fc.array(fc.record({ step: stepOf(size), turn: fc.nat(7).map((n) => n > 0) }), { maxLength, size: "max" });

/** Histories of small messages. */
export const history = movesOf(SMALL_BODY, 100);
/** Histories with large ones among them. */
export const largeHistory = movesOf(LARGE_BODY, 60);
