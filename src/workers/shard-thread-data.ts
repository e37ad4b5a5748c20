/**
 * What the main thread gives a shard thread to start with.
 */
import type { RingMemory } from "../channel/ring.js";
import { RESERVED_DESCRIPTORS } from "../journal/descriptor-reserve.js";
import { MAX_OPEN_PAGES } from "../journal/page-reader.js";

/** Of a shard's journal, at most: the segment that is open, what is in reserve, the segments that pages are read from. */
export const JOURNAL_DESCRIPTORS = 1 + RESERVED_DESCRIPTORS + MAX_OPEN_PAGES;

export interface ShardThreadData {
  /** 0 to shards − 1. */
  readonly shard: number;
  readonly shards: number;
  /** The broker starts, and does not start at all if this thread does not. */
  readonly isFirst: boolean;
  /** 1 to 1,023. */
  readonly node: number;
  readonly inbox: RingMemory;
  readonly outbox: RingMemory;
  /** `PULSE_BYTES` in which the thread shows that it gets on. */
  readonly pulse: SharedArrayBuffer;
  /** `ID_CLOCK_BYTES` that all shards of the broker number their messages by. */
  readonly idClock: SharedArrayBuffer;
  /** What it keeps its log in; undefined: nothing is on disk (durability `memory`). */
  readonly journal: JournalData | undefined;
  /** This shard's part of the memory budget, bytes. */
  readonly memoryBytes: number;
  readonly limits: {
    readonly maxMessageBytes: number;
    readonly maxFrameBytes: number;
    readonly maxBatchMessages: number;
    readonly maxNameBytes: number;
    readonly maxTopics: number;
    readonly maxTopicsPerConnection: number;
    readonly maxQueues: number;
    readonly maxConsumers: number;
    readonly maxConsumersPerConnection: number;
    readonly topicIdle: number;
  };
}

export interface JournalData {
  /** Of this shard, absolute; there, and locked by this process. */
  readonly directory: string;
  /** `Durability` of what a confirm waits for where a topic does not say otherwise. */
  readonly level: number;
  readonly segmentBytes: number;
  /** Sequences of segments of which every record has been checked, and which nobody has written since. */
  readonly verified: readonly number[];
  /** One Int32 for all shards of the broker: `DiskSpace`. */
  readonly disk: SharedArrayBuffer;
  /** Free bytes of the file system below which publishes are refused. */
  readonly diskReserve: number;
}

/** What is known of the file system of the data directory: anybody may find it full, the main thread that it is not. */
export const DiskSpace = { enough: 0, full: 1 } as const;

/**
 * The largest record of an outbox. Answers are sent when a megabyte is staged; a turn may add to that half a frame of
 * what was asked for, a largest message that is pushed, and the backlog of a channel.
 */
export const maxOutboxRecordBytes = (maxFrameBytes: number): number => 2 * maxFrameBytes + 8 * 1024 * 1024;
