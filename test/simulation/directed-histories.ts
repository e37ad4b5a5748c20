/**
 * Histories that lead towards one thing and leave the rest out: few steps, one shard, one topic, a disk that works. What
 * those of CI show somewhere, they show soon.
 */
import { Durability } from "../../src/protocol/op.js";
import { type Habits, historyOf } from "./histories.js";
import { type Op, PROMISING } from "./promises.js";
import { Random } from "./random.js";
import type { Fault, FaultKind } from "./simulated-disk.js";
import type { ClientStep, History, Move, Settings, Step } from "./steps.js";
import type { Surroundings } from "./surroundings.js";

/** Which other numbers are drawn for a seed than for its clients and its surroundings. */
const STREAM = 0x5a4d_0002;

const HABITS = { maxCount: 3, maxSize: 40, flush: 1, crash: 0, fault: 0, topics: ["t"], churn: 0, sudden: 0 } as const;

const ALONE: Surroundings = {
  shards: 1,
  move: 0,
  alone: 0,
  backup: 0,
  fault: 0,
  inMemory: undefined,
  keepsChannels: false,
  looks: 0,
};

const STEPS = 80;

interface Direction {
  readonly steps?: number;
  readonly habits: Partial<Habits>;
  readonly around?: Partial<Surroundings>;
  readonly settings?: (random: Random) => Partial<Settings>;
  /** What becomes of each step: it may have others before and after it, which are flushed as it is or as they say. */
  readonly steer?: (step: Step, random: Random) => readonly (Step | Move)[];
}

const directed =
  ({ steps = STEPS, habits, around, settings, steer }: Direction) =>
  (seed: number): History => {
    const random = new Random(seed ^ STREAM);
    const history = historyOf(seed, steps, { ...HABITS, ...habits }, { ...ALONE, ...around });
    const moves = history.moves.flatMap(({ step, flush }): readonly Move[] =>
      (steer?.(step, random) ?? [step]).map((each) => ("step" in each ? each : { step: each, flush })),
    );
    return { ...history, settings: { ...history.settings, ...settings?.(random) }, moves };
  };

/** The power goes, between two operations of the disk, after so many more of them. */
const powerCut = (random: Random, after = 0): Step => ({
  do: "crash",
  kind: "power",
  after,
  seed: random.below(0x1_0000_0000),
  pause: random.between(0, 2000),
  again: [],
});

type Weights = readonly (readonly [weight: number, kind: ClientStep["do"] | "wait"])[];

const PUBLISH: Weights = [[8, "publish"]];
const HANDED_OUT: Weights = [...PUBLISH, [8, "pop"]];

/** What else happens, so that an op has something to do. */
const AROUND: Partial<Readonly<Record<Op, Weights>>> = {
  ack: HANDED_OUT,
  nack: HANDED_OUT,
  release: HANDED_OUT,
  redrive: [...HANDED_OUT, [8, "nack"]],
  dropDead: [...HANDED_OUT, [8, "nack"]],
  resume: [...PUBLISH, [4, "pause"]],
  deleteQueue: [...PUBLISH, [4, "declareQueue"]],
  publishChannel: [[2, "configureChannel"]],
  configureChannel: [[6, "publishChannel"]],
  deleteChannel: [[6, "publishChannel"]],
};

/** How likely messages have delays, and about half as likely times to live. */
const TIMED: Partial<Readonly<Record<Op, number>>> = { cancel: 0.8, reschedule: 0.8 };

/** What is given back promises something where that ends it: it has expired in the hands of a program. */
const expiring = (step: Step): readonly Step[] => {
  if (step.do === "publish") return [{ ...step, delay: 0, ttl: 1000 }];
  return step.do === "release" ? [{ do: "wait", time: 1000 }, step] : [step];
};

/** Messages die that no program wants. */
const rejected = (step: Step): readonly Step[] => [step.do === "nack" ? { ...step, reject: true } : step];

/** What other steps become, so that an op has something to do. */
const SUITED: Partial<Readonly<Record<Op, (step: Step) => readonly Step[]>>> = {
  release: expiring,
  redrive: rejected,
  dropDead: rejected,
};

/** Histories of something that is done, and of power that goes right after. */
export const promising = (op: Op & ClientStep["do"]): ((seed: number) => History) =>
  directed({
    habits: {
      weights: [...(AROUND[op] ?? PUBLISH), [8, op], [1, "configure"], [2, "wait"]],
      timed: TIMED[op] ?? 0.2,
    },
    settings: (random) => ({ level: random.one([Durability.write, Durability.fsync]) }),
    steer: (step, random) => {
      const steps = SUITED[op]?.(step) ?? [step];
      return step.do === op && random.chance(0.4) ? [...steps, powerCut(random)] : steps;
    },
  });

/** A disk that fails now and then while messages come, and power that goes when the broker has gone on. */
const faulty = (kind: FaultKind, maxTimes: number): ((seed: number) => History) =>
  directed({
    habits: {
      maxCount: 10,
      weights: [
        [8, "publish"],
        [1, "pop"],
        [1, "ack"],
        [1, "wait"],
      ],
    },
    settings: () => ({ level: Durability.fsync }),
    steer: (step, random) => {
      if (step.do !== "publish" || !random.chance(0.3)) return [step];
      const fault: Fault = { kind, after: 0, times: random.between(1, maxTimes) };
      return [{ do: "fault", fault }, step, ...(random.chance(0.5) ? [step] : []), powerCut(random)];
    },
  });

export const failing = faulty("sync", 1);
export const shortened = faulty("short", 3);
/** The disk is full for a while, and the journal stands still. */
export const stalling = faulty("full", 20);

/** Where a broker ends it is started with some number of shards, and loses its power while it starts or after that. */
const movingOn = (step: Step, random: Random): readonly Step[] => {
  if (step.do !== "crash" && step.do !== "restart") return [step];
  const shards = random.between(1, 3);
  // The power goes again where the new generation becomes current, or when all is done.
  const again = random.chance(0.7) ? [random.between(28, 72)] : [];
  // Ids are given out again if nothing speaks against it: the clock goes back.
  const pause = random.one([10, -1000, -60_000]);
  // The second end is one of the power as well.
  const seed = 2 * random.below(0x8000_0000);
  const end: Step = { do: "crash", kind: "power", after: 0, seed, pause, again, shards };
  return again.length > 0 ? [end] : [end, powerCut(random)];
};

/** Brokers that are started with other numbers of shards again and again, and lose their power when they have started. */
export const moving = directed({
  habits: {
    crash: 0.25,
    topics: ["t", "u", "v"],
    weights: [
      [8, "publish"],
      [3, "pop"],
      [2, "ack"],
      [2, "pause"],
      [1, "declareQueue"],
      [1, "configure"],
      [5, "publishChannel"],
      [4, "subscribe"],
      [2, "channelCredit"],
      [2, "wait"],
    ],
  },
  around: { shards: 2 },
  steer: movingOn,
});

/** Moves of messages that came back, which need not keep their places then, and of those that never did. */
export const returning = directed({
  habits: {
    crash: 0.1,
    timed: 0,
    weights: [
      [8, "publish"],
      [4, "pop"],
      [4, "nack"],
      [1, "ack"],
    ],
  },
  around: { shards: 2 },
  steer: movingOn,
});

/** Topics of which nothing is left soon, and that are forgotten. */
export const leaving = directed({
  habits: {
    crash: 0.1,
    topics: ["t", "u"],
    weights: [
      [4, "publish"],
      [4, "pop"],
      [4, "ack"],
      [4, "configure"],
      [2, "deleteTopic"],
      [2, "declareQueue"],
      [8, "wait"],
    ],
  },
  settings: (random) => ({ topicIdle: random.one([1, 500, 5000]) }),
});

/** A shard's thread ends in one of the next operations of the disk, and for a while there is little but jobs. */
const deathAtJobs = (random: Random): readonly Step[] => [
  { do: "crash", kind: "shard", after: random.between(1, 14), seed: 0, pause: 0, again: [] },
  ...Array.from({ length: 4 }, (): Step => ({ do: "wait", time: 1000 })),
];

/** Shards whose threads end while their segments are compacted, and others that go on. */
export const dying = directed({
  steps: 120,
  habits: { churn: 0.7 },
  around: { shards: 3, backup: 0.02 },
  settings: () => ({ level: Durability.fsync, segmentBytes: 16 * 1024, memoryBytes: 260 * 1024, hasJobs: false }),
  steer: (step, random) => (step.do === "wait" && random.chance(0.5) ? [step, ...deathAtJobs(random)] : [step]),
});

/** Producers that send again and again what they have sent, whatever ends in between. */
const PRODUCING: Direction = {
  steps: 100,
  habits: {
    crash: 0.08,
    topics: ["t", "u"],
    weights: [
      [12, "publish"],
      [2, "pop"],
      [2, "ack"],
      [1, "purge"],
      [1, "configure"],
      [2, "wait"],
    ],
  },
  steer: (step, random) => {
    if (step.do !== "publish") return [step];
    const numbered = {
      producer: random.often([3, "p"], [1, "q"]),
      back: random.often([3, 0], [4, random.between(1, 6)]),
    };
    if (random.chance(0.15)) {
      // Sent again before the first answer: both must wait for the disk.
      const again: Step = { ...step, numbered: { ...numbered, back: 1 } };
      const atOnce = [{ ...step, numbered: { ...numbered, back: 0 } }, again].map(
        (each): Move => ({ step: each, flush: false }),
      );
      return [...atOnce, powerCut(random, random.between(1, 4)), again];
    }
    // What is confirmed again is a promise as well.
    return random.chance(0.1) ? [{ ...step, numbered }, powerCut(random)] : [{ ...step, numbered }];
  },
};

export const producing = directed(PRODUCING);

/** Publishes with a few keys, again and again, whatever ends in between. */
const KEYING: Direction = {
  steps: 100,
  habits: { ...PRODUCING.habits, crash: 0.1 },
  steer: (step, random) => {
    if (step.do !== "publish") return [step];
    const window = random.often([2, 0], [3, 3_600_000], [1, random.between(1, 5000)]);
    const keyed = { first: random.below(20), circle: 20, window };
    const count = random.between(1, 4);
    const key = random.often([5, "default"], [1, "a"]);
    const publish: Step = { ...stripped(step), delay: 0, ttl: 0, count, key, merged: false, keyed };
    if (!random.chance(0.2)) return [publish];
    // The same again before the first answer: both must wait for the disk.
    const atOnce = [publish, publish].map((each): Move => ({ step: each, flush: false }));
    return [...atOnce, powerCut(random, random.between(1, 4)), publish];
  },
};

const stripped = ({ numbered: _, ...step }: Extract<Step, { do: "publish" }>): Extract<Step, { do: "publish" }> => step;

export const keying = directed(KEYING);

/** The same with so much between that most segments are reclaimed or compacted. */
export const keyingMuch = directed({
  ...KEYING,
  steps: 160,
  habits: { ...KEYING.habits, churn: 0.5 },
  settings: () => ({ level: Durability.fsync, segmentBytes: 8 * 1024 }),
});

/** The same, where brokers are started with other numbers of shards. */
export const keyingOn = directed({
  ...KEYING,
  around: { shards: 2 },
  steer: (step, random) =>
    (KEYING.steer?.(step, random) ?? []).flatMap((each): readonly (Step | Move)[] =>
      "step" in each ? [each] : movingOn(each, random),
    ),
});

/** The same, where brokers are started with other numbers of shards. */
export const producingOn = directed({
  ...PRODUCING,
  around: { shards: 2 },
  steer: (step, random) =>
    (PRODUCING.steer?.(step, random) ?? []).flatMap((each): readonly (Step | Move)[] =>
      "step" in each ? [each] : movingOn(each, random),
    ),
});

/** The same, where segments fill with garbage and go. */
export const producingMuch = directed({
  ...PRODUCING,
  steps: 150,
  habits: { ...PRODUCING.habits, churn: 0.3, crash: 0.03 },
  settings: () => ({ segmentBytes: 16 * 1024, hasJobs: true }),
});

/** Little but channels, with crashes. */
const FOLLOWING: Direction = {
  steps: 120,
  habits: {
    crash: 0.06,
    fault: 0.01,
    weights: [
      [6, "publishChannel"],
      [4, "subscribe"],
      [1, "hold"],
      [2, "unhold"],
      [2, "channelCredit"],
      [1, "configureChannel"],
      [2, "wait"],
    ],
  },
};

/** Histories of channels and of those who follow them. */
export const following = directed(FOLLOWING);

/** The same, of channels whose messages soon are old: often none is left. */
export const ageing = directed({
  ...FOLLOWING,
  steer: (step) => (step.do === "configureChannel" ? [{ ...step, config: { keep: true, maxAge: 200 } }] : [step]),
});

/** The same, of channels that are in memory alone for a while. */
export const forgetful = directed({
  ...FOLLOWING,
  steer: (step, random) =>
    step.do === "configureChannel"
      ? [{ ...step, config: { keep: true, durability: random.one(["memory", "fsync"]) } }]
      : [step],
});

/** The same, of channels that are followed when they are deleted or not kept any more; the power goes soon after that. */
export const ending = directed({
  ...FOLLOWING,
  habits: { ...FOLLOWING.habits, crash: 0 },
  steer: (step, random) => {
    if (step.do !== "configureChannel") return [step];
    const { channel } = step;
    const kept: Step = { ...step, config: { keep: true } };
    const policy = { recover: false, overflow: "drop-oldest", credit: 0 } as const;
    const followed: Step = { do: "subscribe", connection: 11, channel, from: "now", ...policy };
    const published: Step = { do: "publishChannel", connection: 1, channel, key: "", count: 1, size: 20 };
    const ended: Step = random.below(2) === 0 ? { ...step, config: { keep: false } } : { do: "deleteChannel", channel };
    const atOnce = [ended, published].map((each): Move => ({ step: each, flush: false }));
    return [kept, followed, published, ...atOnce, powerCut(random, random.between(1, 6)), published];
  },
});

/** All of them by name: what shows a planted bug must hold without it. */
/** Queues that are looked through while messages move in them, and now and then everything or a shard ends. */
export const lookedThrough = directed({
  habits: {
    weights: [
      [8, "publish"],
      [8, "pop"],
      [3, "nack"],
      [4, "release"],
      [3, "touch"],
      [3, "ack"],
      [1, "consume"],
      [1, "popDead"],
      [1, "redrive"],
      [1, "reschedule"],
      [1, "disconnect"],
      [2, "wait"],
    ],
    maxCount: 20,
    flush: 0.8,
    timed: 0.3,
    crash: 0.03,
    churn: 0.15,
  },
  around: { looks: 0.8, alone: 0.3 },
  settings: (random) => ({
    segmentBytes: 16 * 1024,
    hasJobs: true,
    memoryBytes: random.one([64 * 1024 * 1024, 260 * 1024]),
  }),
});

export const DIRECTED: readonly (readonly [name: string, historyOf: (seed: number) => History])[] = [
  ...PROMISING.map((op) => [`${op} and a loss of power`, promising(op)] as const),
  ["syncs that fail", failing],
  ["short writes", shortened],
  ["a disk that is full", stalling],
  ["moves", moving],
  ["moves of messages that come back", returning],
  ["topics that are forgotten", leaving],
  ["shards that die at their jobs", dying],
  ["producers", producing],
  ["producers and moves", producingOn],
  ["producers and segments that go", producingMuch],
  ["keys", keying],
  ["keys and segments that go", keyingMuch],
  ["keys and other numbers of shards", keyingOn],
  ["queues that are looked through", lookedThrough],
  ["channels", following],
  ["channels whose messages soon are old", ageing],
  ["channels in memory alone for a while", forgetful],
  ["channels that are kept no longer", ending],
];
