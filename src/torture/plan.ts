/** The topics of a torture run: each exercises another part of a message's life. */
import type { TopicConfig } from "../client/arguments/options.js";

/** How a consumer treats its messages: probabilities, per batch or per message. */
export interface Behavior {
  /** Acks a whole batch at once. */
  readonly ackBatch: number;
  /** Otherwise, for each message: nacks, rejects or abandons it. */
  readonly nack: number;
  readonly reject: number;
  readonly abandon: number;
  /** Milliseconds it holds a batch before it settles it. */
  readonly holdMs: number;
  /** Disconnects with an unsettled batch. */
  readonly disconnect: number;
}

export interface TopicPlan {
  readonly name: string;
  readonly queues: readonly string[];
  readonly config: Partial<TopicConfig>;
  /** Where messages go: route keys, and the queues [first, first + copies) that each reaches. */
  readonly routes: readonly { readonly key: string | undefined; readonly first: number; readonly copies: number }[];
  readonly autoAck: boolean;
  /** Probability that a burst is delayed, by up to `maxDelay` milliseconds. */
  readonly delayed: number;
  readonly maxDelay: number;
  /** Consumers of each queue. With a single one, the queue's order is checked: see `isOrdered`. */
  readonly consumers: number;
  /** Clients that pop from each queue. */
  readonly poppers: number;
  readonly prefetch: number;
  readonly behavior: Behavior;
}

const WELL_BEHAVED: Behavior = { ackBatch: 0.9, nack: 0, reject: 0, abandon: 0, holdMs: 0, disconnect: 0.01 };
const ONE_QUEUE = [{ key: undefined, first: 0, copies: 1 }] as const;
const PLAIN = {
  queues: ["default"],
  config: {},
  routes: ONE_QUEUE,
  autoAck: false,
  delayed: 0,
  maxDelay: 0,
  consumers: 1,
  poppers: 0,
  prefetch: 500,
  behavior: WELL_BEHAVED,
} as const;

const KINDS: readonly TopicPlan[] = [
  { ...PLAIN, name: "ordered" },
  { ...PLAIN, name: "shared", consumers: 2, poppers: 1, behavior: { ...WELL_BEHAVED, ackBatch: 0.4, nack: 0.02 } },
  { ...PLAIN, name: "slow", prefetch: 20, behavior: { ...WELL_BEHAVED, holdMs: 30 } },
  { ...PLAIN, name: "delayed", delayed: 0.7, maxDelay: 4_000 },
  {
    ...PLAIN,
    name: "failing",
    config: { retries: 2 },
    behavior: { ...WELL_BEHAVED, ackBatch: 0.2, nack: 0.3, reject: 0.05, disconnect: 0.03 },
  },
  {
    ...PLAIN,
    name: "forgetful",
    config: { ttr: 400, retries: 60_000 },
    prefetch: 50,
    behavior: { ...WELL_BEHAVED, ackBatch: 0.3, abandon: 0.2 },
  },
  { ...PLAIN, name: "auto", config: { autoAck: true }, autoAck: true, prefetch: 100 },
  {
    ...PLAIN,
    name: "routed",
    queues: ["all.left", "all.right"],
    config: { mode: "pattern" },
    routes: [
      { key: "^all", first: 0, copies: 2 },
      { key: "left$", first: 0, copies: 1 },
      { key: "right$", first: 1, copies: 1 },
    ],
  },
];

/** Each kind of topic twice, so that several shards have work. */
export const PLAN: readonly TopicPlan[] = ["a", "b"].flatMap((copy) =>
  KINDS.map((kind) => ({ ...kind, name: `torture-${kind.name}-${copy}` })),
);

/** Whether the broker may forget the topic when it is empty (`--topic-idle`). */
export const isForgettable = ({ config, queues }: TopicPlan): boolean =>
  Object.keys(config).length === 0 && queues.every((queue) => queue === "default");

/**
 * Whether new messages come in order: a queue has one reader at a time, and what waits unread in its buffer keeps its
 * lease. Otherwise messages that were given back unread come, still new, after later ones.
 */
export const isOrdered = ({ consumers, poppers, config }: TopicPlan): boolean =>
  consumers === 1 && poppers === 0 && config.ttr === undefined;
