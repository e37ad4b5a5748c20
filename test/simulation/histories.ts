/**
 * Random histories. Each seed has habits of its own (what its clients like to do, how large its messages and segments
 * are, how often it crashes), so that rare states are reached by those seeds that drive towards them.
 */
import { Durability } from "../../src/protocol/op.js";
import type { Overflow } from "../../src/protocol/subscribe-options.js";
import type { ChannelConfig, MessageState, TopicConfig } from "../../src/shard/command.js";
import { BEGIN, DAY, TOPICS } from "./names.js";
import { type Op, PROMISES } from "./promises.js";
import { Random } from "./random.js";
import type { FaultKind } from "./simulated-disk.js";
import type { ChannelStep, ClientStep, History, Move, Pick, Settings, Step } from "./steps.js";
import { type Surroundings, surrounded } from "./surroundings.js";

const KIB = 1024;
const MINUTE = 60_000;

const QUEUES = ["default", "a", "b"] as const;
const CONNECTIONS = [1, 2, 3] as const;
export const CHANNELS = ["c", "d"] as const;
/** Those of subscribers, which are held for a while. */
const FOLLOWERS = [11, 12, 13] as const;
const OVERFLOWS: readonly Overflow[] = ["drop-oldest", "drop-newest", "conflate", "disconnect", "block"];
const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];
const PATTERNS = ["a", ".*", "^(a|b)$", "default"] as const;

/** What a seed likes: weights of what its clients do, and the sizes of things. */
export interface Habits {
  readonly weights: readonly (readonly [number, ClientStep["do"] | "wait"])[];
  readonly maxCount: number;
  readonly maxSize: number;
  readonly flush: number;
  readonly crash: number;
  readonly fault: number;
  /** How likely delays and times to live are used. */
  readonly timed: number;
  readonly topics: readonly string[];
  /** Messages come and go at once, but for some that stay: segments fill with garbage. */
  readonly churn: number;
  /** How likely a consumer reports how far its program has come. */
  readonly reports: number;
  /** How likely the power goes as soon as something was done that promises to last, publishes and acks apart. */
  readonly sudden: number;
}

const WEIGHTS: Readonly<Record<Exclude<ClientStep["do"], "seen"> | "wait", number>> = {
  publish: 24,
  pop: 12,
  popDead: 2,
  consume: 5,
  credit: 4,
  stop: 1,
  ack: 12,
  nack: 4,
  /** Some of the nacks. */
  release: 0,
  touch: 2,
  redrive: 2,
  dropDead: 0,
  cancel: 2,
  reschedule: 2,
  configure: 3,
  declareQueue: 1.5,
  deleteQueue: 0.4,
  deleteTopic: 0.2,
  pause: 0.7,
  resume: 1.5,
  purge: 0.7,
  disconnect: 1.5,
  publishChannel: 10,
  subscribe: 3,
  unsubscribe: 0.5,
  channelCredit: 2,
  hold: 1,
  unhold: 2,
  configureChannel: 0.5,
  deleteChannel: 0.1,
  wait: 12,
};

/** What keeps a topic that nobody uses. */
const MEANT: ReadonlySet<Step["do"]> = new Set<Step["do"]>(["configure", "declareQueue", "pause"]);

/** The least weight of what a client does where the power goes after rare deeds. */
const SUDDEN_WEIGHT = 3;

const habitsOf = (random: Random): Habits => {
  const kinds = Object.entries(WEIGHTS) as [ClientStep["do"] | "wait", number][];
  const sudden = random.often([2, 0], [1, 0.4]);
  const least = sudden > 0 ? SUDDEN_WEIGHT : 0;
  return {
    sudden,
    weights: kinds.map(([kind, weight]) => [Math.max(weight, least) * random.often([4, 1], [1, 0.2], [1, 3]), kind]),
    maxCount: random.often([2, 3], [3, 20], [1, 100]),
    maxSize: random.often([2, 40], [3, 400], [1, 3000]),
    flush: random.one([1, 0.8, 0.5]),
    crash: random.often([1, 0], [2, 0.01], [3, 0.03], [1, 0.1]),
    fault: random.often([3, 0], [2, 0.02], [1, 0.06]),
    timed: random.one([0.05, 0.2, 0.5]),
    topics: TOPICS.slice(0, random.between(1, TOPICS.length)),
    churn: random.often([3, 0], [1, 0.1], [1, 0.4]),
    reports: 0,
  };
};

const settingsOf = (random: Random): Omit<Settings, "topicIdle" | "shards" | "keepsChannels"> => {
  const pageBytes = random.one([4 * KIB, 8 * KIB]);
  return {
    level: random.often([6, Durability.fsync], [2, Durability.write]),
    pageBytes,
    segmentBytes: random.often([3, 16 * KIB], [2, 32 * KIB], [1, 64 * KIB]),
    // The tables of a shard take about 200 KiB by themselves; what is left is a few pages.
    memoryBytes: random.often([2, 64 * KIB * KIB], [3, 300 * KIB], [2, 260 * KIB]),
    hasJobs: random.chance(0.5),
  };
};

/** What CI plays: the seeds from 1 on, each so many steps long. Every planted bug must show in one of them. */
export const CI_SEEDS = 200;
export const CI_STEPS = 300;

/** The history of a seed, about `steps` long; it may be given other habits than its own. */
export const historyOf = (
  seed: number,
  steps: number,
  other: Partial<Habits> = {},
  around: Partial<Surroundings> = {},
): History => {
  const random = new Random(seed);
  const settings = settingsOf(random);
  const habits = { ...habitsOf(random), ...other };
  const moves: Move[] = [];
  const play = (step: Step, flush = true): void => {
    moves.push({ step, flush });
  };
  for (const topic of habits.topics) {
    if (random.chance(0.7)) play({ do: "declareQueue", topic, queue: "a" });
    if (random.chance(0.5)) play({ do: "configure", topic, config: configOf(random) });
  }
  for (const channel of CHANNELS) {
    if (random.chance(0.7)) play({ do: "configureChannel", channel, config: { keep: true } });
  }
  while (moves.length < steps) {
    if (random.chance(habits.crash)) play(crashOf(random));
    else if (random.chance(habits.fault)) play({ do: "fault", fault: faultOf(random) });
    else if (habits.fault > 0 && random.chance(0.03)) play({ do: "mend" });
    else if (random.chance(0.004)) play({ do: "restart", pause: pauseOf(random) });
    else if (random.chance(habits.churn)) for (const step of churnOf(random, habits)) play(step);
    else for (const move of movesOf(random, habits)) moves.push(move);
  }
  // Whatever has been built up must survive once more.
  play({ ...crashOf(random), after: 0 });
  const topicIdle = random.often([2, Number.POSITIVE_INFINITY], [2, 5000], [2, 500], [1, 1]);
  // Where nobody makes anything of a topic, all of them come and go.
  const isPlain = topicIdle < Number.POSITIVE_INFINITY && random.chance(0.4);
  const kept = isPlain ? moves.filter(({ step }) => !MEANT.has(step.do)) : moves;
  return surrounded(
    { seed, settings: { ...settings, shards: 1, keepsChannels: false, topicIdle }, moves: kept },
    around,
  );
};

/** Histories in which segments fill with garbage. */
export const busy = (seed: number): History => historyOf(seed, CI_STEPS, { churn: 0.3, crash: 0.03 });

/** Histories of topics whose durability goes up and down, with the power gone at any time. */
export const raising = (seed: number): History => {
  const random = new Random(seed);
  const settings = { ...historyOf(seed, 0).settings, level: random.one([Durability.write, Durability.fsync]) };
  const moves: Move[] = [];
  const play = (step: Step): void => {
    moves.push({ step, flush: true });
  };
  for (let i = 0; i < 30; i++) {
    const topic = random.one(TOPICS);
    const publish = { topic, key: "", delay: 0, ttl: 0, count: 2, size: 20, merged: false } as const;
    play({ do: "configure", topic, config: { durability: random.one(["memory", "write", "fsync"]) } });
    if (random.chance(0.7)) play({ do: "publish", connection: 1, ...publish });
    if (random.chance(0.3)) play({ do: "purge", topic, queue: "default", state: "ready" });
    if (random.chance(0.3)) play({ ...crashOf(random), kind: "power", after: 0 });
  }
  return { seed, settings, moves };
};

/** What a client does, and whether the power goes with it. */
const movesOf = (random: Random, habits: Habits): readonly Move[] => {
  const step = stepOf(random, habits);
  if (!isLasting(step.do) || !random.chance(habits.sudden)) return [{ step, flush: random.chance(habits.flush) }];
  return [
    { step, flush: true },
    { step: { ...crashOf(random), kind: "power", after: 0 }, flush: true },
  ];
};

/** Whether it promises to last, and is none of what there is most of. */
const isLasting = (kind: Step["do"]): boolean =>
  kind in PROMISES && PROMISES[kind as Op] !== "none" && !kind.startsWith("publish") && kind !== "ack";

const crashOf = (random: Random): Extract<Step, { do: "crash" }> => ({
  do: "crash",
  kind: random.often([3, "power" as const], [1, "process" as const]),
  after: random.often([1, 0], [3, random.between(1, 6)], [2, random.between(1, 40)]),
  seed: random.below(0x1_0000_0000),
  pause: pauseOf(random),
  again: random.often<readonly number[]>(
    [3, []],
    [1, [random.between(1, 8)]],
    [1, [random.between(1, 8), random.between(1, 8)]],
  ),
});

const pauseOf = (random: Random): number =>
  random.often(
    [4, random.between(0, 2000)],
    [1, random.between(0, 5 * MINUTE)],
    [1, -random.between(0, 5 * MINUTE)],
    [1, DAY],
  );

const faultOf = (random: Random): { readonly kind: FaultKind; readonly after: number; readonly times: number } => ({
  kind: random.often<FaultKind>([3, "full"], [3, "short"], [3, "write"], [1, "sync"]),
  after: random.below(10),
  times: random.often([3, 1], [2, random.between(2, 20)]),
});

/** One in so many batches is numbered by a producer. */
const NUMBERED = 5;

/** Of two producers, one that publishes something new or sends again what it sent before. */
const numberedOf = (draw: number) => ({ producer: draw % 2 === 0 ? "p" : "q", back: Math.floor(draw / 2) % 3 });

/** One in so many of the others has keys. */
const KEYED = 6;

/** Few enough for them to come again. */
const keyedOf = (draw: number) => ({
  first: draw % 9,
  circle: 9,
  window: draw % 3 === 0 ? 10_000 * (1 + (draw % 5)) : 0,
});

const timeOf = (random: Random): number =>
  random.often(
    [4, random.between(1, 100)],
    [4, random.between(100, 5000)],
    [2, random.between(1, 5) * MINUTE],
    [1, DAY],
  );

const picksOf = (random: Random, from: MessageState): Pick[] =>
  Array.from({ length: random.often([4, 1], [1, random.between(2, 4)]) }, () => ({
    from: random.chance(0.95) ? from : random.one(STATES),
    at: random.below(200),
    count: random.often([4, random.between(1, 5)], [2, random.between(1, 100)]),
    quote: random.often<Pick["quote"]>([8, "right"], [2, "none"], [1, "wrong"]),
  }));

/** Half of them with a policy of their own. */
const retriesOf = (ttr: number, retries: number): Partial<TopicConfig> =>
  retries % 2 === 0 ? { ttr, retries } : { ttr, retries, retryDelay: ttr, retryFactor: 1.5, retryJitter: 0.5 };

const configOf = (random: Random): Partial<TopicConfig> =>
  random.often<Partial<TopicConfig>>(
    [1, { autoAck: random.chance(0.4) }],
    [1, { mode: random.one(["exact", "pattern"] as const) }],
    [3, retriesOf(timeOf(random), random.between(0, 4))],
    [
      2,
      {
        maxLength: random.often([2, 0], [1, random.between(5, 60)]),
        overflow: random.one(["refuse", "drop-oldest"] as const),
      },
    ],
    [1, { maxBytes: random.often([2, 0], [1, random.between(400, 20_000)]) }],
    [2, { expired: random.one(["drop", "dead-letter"] as const) }],
    [2, { durability: random.often(...DURABILITIES) }],
  );

const DURABILITIES = [
  [3, "fsync"],
  [2, "write"],
  [1, "memory"],
] as const;

/** Many messages in one queue, of which nearly all are gone at once. */
const churnOf = (random: Random, habits: Habits): readonly Step[] => {
  const at = { topic: random.one(habits.topics), queue: "default" };
  const connection = random.one(CONNECTIONS);
  const publish = { connection, topic: at.topic, key: "", ttl: 0, merged: false } as const;
  const all = { from: "in-flight", at: 0, count: 100, quote: "none" } as const;
  return [
    { do: "publish", ...publish, delay: random.chance(0.3) ? DAY : 0, count: 1, size: 20 },
    { do: "publish", ...publish, delay: 0, count: random.between(10, 60), size: random.between(50, 300) },
    { do: "pop", connection, ...at, max: 100, wait: 0 },
    { do: "ack", connection, picks: [all], aim: random.below(4) },
    { do: "wait", time: random.between(1, 1500) },
  ];
};

const stepOf = (random: Random, habits: Habits): Step => {
  const topic = random.one(habits.topics);
  const queue = random.often<string>([5, "default"], [4, "a"], [1, random.one(QUEUES)]);
  const connection = random.one(CONNECTIONS);
  const at = { topic, queue };
  const settling = (from: MessageState) => ({ connection, picks: picksOf(random, from), aim: random.below(20) });
  const maybeTime = random.chance(habits.timed) ? timeOf(random) : 0;
  const kind = random.often(...habits.weights);
  switch (kind) {
    case "publish": {
      const key = random.chance(0.1) ? random.one(PATTERNS) : queue;
      const ttl = random.chance(habits.timed / 2) ? timeOf(random) : 0;
      const count = random.often([2, 1], [2, random.between(1, habits.maxCount)]);
      const size = random.below(habits.maxSize);
      const step = { do: kind, connection, topic, key, delay: maybeTime, ttl, count, size, merged: random.chance(0.3) };
      if (size % NUMBERED === 0) return { ...step, numbered: numberedOf(size / NUMBERED) };
      return size % KEYED === 1 ? { ...step, keyed: keyedOf(Math.floor(size / KEYED)) } : step;
    }
    case "pop":
      return { do: kind, connection, ...at, max: random.between(1, 40), wait: random.chance(0.2) ? timeOf(random) : 0 };
    case "popDead":
      return { do: kind, connection, ...at, max: random.between(1, 10) };
    case "consume": {
      const credit = random.between(1, 60);
      const renew = random.chance(0.5);
      const reports = habits.reports > 0 && random.chance(habits.reports);
      return { do: kind, connection, ...at, credit, renew, reports };
    }
    case "credit":
      return { do: kind, which: random.below(20), credit: random.between(1, 40) };
    case "seen":
      return { do: kind, which: random.below(20), at: random.below(60), renews: random.chance(0.2) };
    case "stop":
      return { do: kind, which: random.below(20), givesBack: habits.reports > 0 && random.chance(0.5) };
    case "ack":
    case "release":
      return { do: kind, ...settling("in-flight") };
    case "redrive":
      return { do: kind, ...settling("dead"), ...(random.chance(0.3) ? { picks: [] } : {}) };
    case "dropDead":
      return { do: kind, ...settling("dead") };
    case "cancel":
      return { do: kind, ...settling("delayed") };
    case "nack": {
      const about = settling("in-flight");
      const nack = { ...about, delay: maybeTime, reject: random.chance(0.2) };
      return random.chance(0.2) ? { do: "release", ...about } : { do: kind, ...nack };
    }
    case "touch":
      return { do: kind, ...settling("in-flight"), ttr: maybeTime };
    case "reschedule":
      return { do: kind, ...settling("delayed"), delay: timeOf(random) };
    case "configure":
      return { do: kind, topic, config: configOf(random) };
    case "declareQueue":
    case "deleteQueue":
    case "pause":
    case "resume":
      return { do: kind, ...at, queue: random.one(QUEUES) };
    case "deleteTopic":
      return { do: kind, topic };
    case "purge":
      return { do: kind, ...at, state: random.often<MessageState | "all">([4, random.one(STATES)], [1, "all"]) };
    case "disconnect":
      return { do: kind, connection };
    case "wait":
      return { do: kind, time: timeOf(random) };
    default:
      return channelStepOf(kind, random, habits);
  }
};

const channelStepOf = (kind: ChannelStep["do"], random: Random, habits: Habits): ChannelStep => {
  const channel = random.one(CHANNELS);
  const connection = random.one(FOLLOWERS);
  switch (kind) {
    case "publishChannel": {
      const count = random.often([2, 1], [2, random.between(1, habits.maxCount)]);
      const key = random.often<string>([3, ""], [1, "key"]);
      return { do: kind, connection: random.one(CONNECTIONS), channel, key, count, size: random.below(habits.maxSize) };
    }
    case "subscribe": {
      const time = BEGIN + random.below(DAY);
      const from = random.often<"now" | "start" | "resume" | number>(
        [1, "now"],
        [3, "start"],
        [6, "resume"],
        [1, time],
      );
      const credit = random.often([3, 0], [1, random.between(1, 50)]);
      return {
        do: kind,
        connection,
        channel,
        from,
        recover: random.chance(0.7),
        overflow: random.one(OVERFLOWS),
        credit,
      };
    }
    case "unsubscribe":
    case "hold":
    case "unhold":
      return { do: kind, connection, channel };
    case "channelCredit":
      return { do: kind, connection, channel, credit: random.between(1, 60) };
    case "configureChannel":
      return { do: kind, channel, config: channelConfigOf(random) };
    case "deleteChannel":
      return { do: kind, channel };
  }
};

const channelConfigOf = (random: Random): Partial<ChannelConfig> =>
  random.often<Partial<ChannelConfig>>(
    [4, { keep: true }],
    [1, { keep: false }],
    [2, { maxMessages: random.often([1, 0], [2, random.between(1, 60)]) }],
    [1, { maxBytes: random.often([1, 0], [2, random.between(400, 20_000)]) }],
    [1, { maxAge: random.often([1, 0], [1, timeOf(random)]) }],
    [1, { history: random.between(0, 50) }],
    [1, { durability: random.often(...DURABILITIES) }],
  );
