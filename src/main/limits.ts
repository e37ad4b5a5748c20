/**
 * The limits and defaults of a broker, wherever it runs, and why each number is what it is. Sizes are bytes, times
 * milliseconds. What concerns the machine, ports and files, is in options.ts.
 */
import { MAX_NODE_ID } from "../protocol/id.js";
import {
  DEFAULT_HISTORY,
  DEFAULT_HISTORY_BYTES,
  DEFAULT_HISTORY_IDLE,
  DEFAULT_RETRIES,
  DEFAULT_TTR,
  MAX_BATCH_MESSAGES,
  MAX_DELAY,
  MAX_FRAME_BYTES,
  MAX_HISTORY,
  MAX_HISTORY_BYTES,
  MAX_IN_FLIGHT,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
  MAX_RETRIES,
} from "../protocol/limits.js";
import { Durability } from "../protocol/op.js";
import { check, checkTimeout, OptionError, OutOfRangeError } from "./option-checks.js";

export type DurabilityName = keyof typeof Durability;

export interface BrokerLimits {
  /**
   * What a confirm waits for where a topic does not say otherwise: `fsync`, the disk; `write`, the system, which keeps it
   * when the process dies; `memory`, nothing: the broker then has no journal. Default `fsync`.
   */
  readonly durability: DurabilityName;
  /** A file of the journal, 64 KiB to 1 GiB. Default 64 MiB. */
  readonly segmentBytes: number;
  /** Of this broker among all, 1 to 1,024; part of every message id. Default 1. */
  readonly node: number;
  /**
   * Budget for messages of all shards, at least 16 MiB for each. Default: half of what the machine (or its container)
   * has.
   */
  readonly memory: number;
  readonly maxMessageBytes: number;
  /** Default: `maxMessageBytes` and 64 KiB. */
  readonly maxFrameBytes: number;
  readonly maxBatchMessages: number;
  /** Unanswered requests of one connection. */
  readonly maxInFlight: number;
  readonly maxNameBytes: number;
  /** Topics in a shard, and as many channels. */
  readonly maxTopics: number;
  /** Of the topics that a shard has, those that one connection may have made. Default: half of `maxTopics`. */
  readonly maxTopicsPerConnection: number;
  /**
   * How long a topic with the default configuration, without declared queues and with nothing in it, may go unused before
   * it is forgotten, its counters with it. At least 1, up to 2^53 or Infinity. Default 10 minutes.
   */
  readonly topicIdle: number;
  /** How long a consumer may hold a message of a topic that nobody has configured. Default one minute. */
  readonly ttr: number;
  /** How often such a topic delivers a message again before it is a dead letter. Default 5. */
  readonly retries: number;
  /** Whether channels that nobody has configured are kept in the journal. Default false. */
  readonly persist: boolean;
  /** What such a channel keeps: so many messages, the newest, and so many bytes of them. Default 0: no limit. */
  readonly keepMessages: number;
  readonly keepBytes: number;
  /** How long it keeps a message, up to ten years. Default 0: no limit. */
  readonly keepAge: number;
  /** Messages of the history in memory that a subscriber asks for by `recover`, at most 65,536. Default 1,000. */
  readonly history: number;
  /** Bytes of any history, at most 16 MiB. Default 1 MiB. */
  readonly historyBytes: number;
  /** How long a history stays after its last subscriber has gone. Up to 2^53 or Infinity. Default one minute. */
  readonly historyIdle: number;
  /** Queues in a topic, at most 32,768. */
  readonly maxQueues: number;
  /** Consumers, waiting pops and subscriptions of a shard, at most 65,536; and as many responders of all connections. */
  readonly maxConsumers: number;
  /** Of them, those of one connection, and as many of its responders. Default: a quarter of `maxConsumers`. */
  readonly maxConsumersPerConnection: number;
  /** Unsent bytes of a connection past which its deliveries pause and it is not read; at least 64 KiB. */
  readonly maxOutgoingBytes: number;
  /**
   * Unsent bytes of all connections together: past half of it connections are held early, past all of it those with the
   * most are cut off. Default: a quarter of `memory`, at least four largest frames and at most 256 MiB.
   */
  readonly maxUnsentBytes: number;
  /**
   * Bytes of half-received frames of all connections together, 16 KiB reserved for each WebSocket among them; and as
   * many of what waits for shards that are busy. Default: a quarter of `memory`, at least two largest frames, at most
   * 256 MiB or those.
   */
  readonly maxAssemblyBytes: number;
}

/** Room in a frame for its header and head beside a largest message. */
const FRAME_SLACK_BYTES = MAX_FRAME_BYTES - MAX_MESSAGE_BYTES;

/** 28 bits of an entry's word tell its size. */
const MAX_CONFIGURABLE_MESSAGE_BYTES = 2 ** 28 - 1;

/**
 * node tells of room in a socket's buffer only after the buffer was over its high-water mark, 16 KiB on most machines:
 * a connection that is held below that mark would never be released. With a margin for machines with another mark.
 */
const MIN_OUTGOING_BYTES = 64 * 1024;

/** Two pages of 4 MiB, since one is begun before the one before it can leave memory, and as much for what is known of messages. */
const MIN_SHARD_MEMORY = 16 * 1024 * 1024;

/** A queue's number within its topic. A publish in pattern mode looks at each. */
const MAX_QUEUES = 2 ** 15;

const MAX_CONSUMERS = 2 ** 16;
const MAX_TOPICS = 2 ** 24;

/** Below, a segment is mostly its own head and directory; above, what a few old messages hold on to is too much. */
const MIN_SEGMENT_BYTES = 64 * 1024;
const MAX_SEGMENT_BYTES = 2 ** 30;

const defaults = {
  durability: "fsync",
  // Written in some seconds at full speed, made ahead in a tenth of one; a disk of 10 GiB holds 160 of them.
  segmentBytes: 64 * 1024 * 1024,
  node: 1,
  maxMessageBytes: MAX_MESSAGE_BYTES,
  maxBatchMessages: MAX_BATCH_MESSAGES,
  maxInFlight: MAX_IN_FLIGHT,
  maxNameBytes: MAX_NAME_BYTES,
  // A topic costs a shard about 3 KiB: 800 MB of them.
  maxTopics: 262_144,
  // Longer than a client is away when its network or its process is started anew; a reply topic of each of a hundred
  // requests a second is 60,000 topics then.
  topicIdle: 600_000,
  // A publish in pattern mode looks at each.
  maxQueues: 1024,
  ttr: DEFAULT_TTR,
  retries: DEFAULT_RETRIES,
  persist: false,
  keepMessages: 0,
  keepBytes: 0,
  keepAge: 0,
  history: DEFAULT_HISTORY,
  historyBytes: DEFAULT_HISTORY_BYTES,
  historyIdle: DEFAULT_HISTORY_IDLE,
  maxConsumers: 65_536,
  // Several times what a round trip carries on a fast network; little enough that 10,000 slow readers are told apart
  // from a leak.
  maxOutgoingBytes: 4 * 1024 * 1024,
} as const;

/** Those whose defaults depend on others. */
const derived = {
  memory: true,
  maxFrameBytes: true,
  maxTopicsPerConnection: true,
  maxConsumersPerConnection: true,
  maxUnsentBytes: true,
  maxAssemblyBytes: true,
} as const satisfies Record<Exclude<keyof BrokerLimits, keyof typeof defaults>, true>;

export const LIMIT_NAMES: readonly string[] = [...Object.keys(defaults), ...Object.keys(derived)];

/** What one connection may have of the topics and of the consumers of a shard; of a few, all. */
const TOPIC_SHARE = 0.5;
const CONSUMER_SHARE = 0.25;
const MIN_SHARED = 100;
const connectionShare = (all: number, share: number): number => (all < MIN_SHARED ? all : Math.ceil(all * share));

/** Four readers that are each in the middle of a largest message are no reason to cut anybody off. */
const MIN_UNSENT_FRAMES = 4;
const MAX_UNSENT_BYTES = 256 * 1024 * 1024;

/** 10,000 WebSockets and six more largest frames that are put together. */
const MAX_ASSEMBLY_BYTES = 256 * 1024 * 1024;

/** A frame is put together in a buffer of a power of two. */
const assemblyBytes = (memory: number, maxFrameBytes: number): number =>
  Math.max(Math.min(MAX_ASSEMBLY_BYTES, Math.floor(memory / 4)), 2 * 2 ** Math.ceil(Math.log2(maxFrameBytes + 4)));

/** Fills in the defaults of a broker with so many shards. RangeError: a limit is out of its range. */
export const resolveLimits = (
  given: Partial<BrokerLimits> & Pick<BrokerLimits, "memory">,
  shards: number,
): BrokerLimits => {
  const { memory } = given;
  const maxFrameBytes = given.maxFrameBytes ?? (given.maxMessageBytes ?? MAX_MESSAGE_BYTES) + FRAME_SLACK_BYTES;
  const limits: BrokerLimits = {
    ...defaults,
    maxFrameBytes,
    maxTopicsPerConnection: connectionShare(given.maxTopics ?? defaults.maxTopics, TOPIC_SHARE),
    maxConsumersPerConnection: connectionShare(given.maxConsumers ?? defaults.maxConsumers, CONSUMER_SHARE),
    maxUnsentBytes: Math.min(MAX_UNSENT_BYTES, Math.max(MIN_UNSENT_FRAMES * maxFrameBytes, Math.floor(memory / 4))),
    maxAssemblyBytes: assemblyBytes(memory, maxFrameBytes),
    ...given,
  };
  if (!Object.hasOwn(Durability, limits.durability)) {
    throw new OptionError("durability", `must be fsync, write or memory; it is ${limits.durability}`);
  }
  if (limits.persist && limits.durability === "memory") {
    throw new OptionError("persist", "must have a journal, which durability memory has not: leave one of them out");
  }
  check("segmentBytes", limits.segmentBytes, MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
  check("node", limits.node, 1, MAX_NODE_ID);
  check("memory", limits.memory, 0, Number.MAX_SAFE_INTEGER);
  const minMemory = shards * MIN_SHARD_MEMORY;
  if (limits.memory < minMemory) {
    const why = ` (16 MiB for ${shards === 1 ? "the shard" : `each of the ${shards} shards`})`;
    const max = Number.POSITIVE_INFINITY;
    throw new OutOfRangeError("memory", limits.memory, minMemory, max, `at least ${minMemory}`, why);
  }
  check("maxMessageBytes", limits.maxMessageBytes, 1, MAX_CONFIGURABLE_MESSAGE_BYTES);
  check("maxFrameBytes", limits.maxFrameBytes, 1024, MAX_CONFIGURABLE_MESSAGE_BYTES + FRAME_SLACK_BYTES);
  check("maxBatchMessages", limits.maxBatchMessages, 1, MAX_BATCH_MESSAGES);
  check("maxInFlight", limits.maxInFlight, 1, 2 ** 24);
  check("maxNameBytes", limits.maxNameBytes, 1, MAX_NAME_BYTES);
  check("maxUnsentBytes", limits.maxUnsentBytes, MIN_OUTGOING_BYTES, Number.MAX_SAFE_INTEGER);
  check("maxTopics", limits.maxTopics, 1, MAX_TOPICS);
  check("maxTopicsPerConnection", limits.maxTopicsPerConnection, 1, MAX_TOPICS);
  check("maxQueues", limits.maxQueues, 1, MAX_QUEUES);
  check("ttr", limits.ttr, 1, MAX_DELAY);
  check("retries", limits.retries, 0, MAX_RETRIES);
  check("keepMessages", limits.keepMessages, 0, Number.MAX_SAFE_INTEGER);
  check("keepBytes", limits.keepBytes, 0, Number.MAX_SAFE_INTEGER);
  check("keepAge", limits.keepAge, 0, MAX_DELAY);
  check("history", limits.history, 0, MAX_HISTORY);
  check("historyBytes", limits.historyBytes, 0, MAX_HISTORY_BYTES);
  check("maxConsumers", limits.maxConsumers, 1, MAX_CONSUMERS);
  check("maxConsumersPerConnection", limits.maxConsumersPerConnection, 1, MAX_CONSUMERS);
  check("maxOutgoingBytes", limits.maxOutgoingBytes, MIN_OUTGOING_BYTES, 2 ** 32);
  check("maxAssemblyBytes", limits.maxAssemblyBytes, 0, Number.MAX_SAFE_INTEGER);
  checkTimeout("topicIdle", limits.topicIdle, 1);
  checkTimeout("historyIdle", limits.historyIdle, 0);
  return limits;
};
