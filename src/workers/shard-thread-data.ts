/** What a shard's thread is started with. */
import type { RingMemory } from "../channel/ring.js";
import { RESERVED_DESCRIPTORS } from "../journal/descriptor-reserve.js";
import type { Place } from "../journal/home.js";
import { MAX_OPEN_PAGES } from "../journal/page-reader.js";
import type { ChannelDefaults } from "../shard/topics/channel-defaults.js";

/**
 * The most descriptors of a shard's journal: the open segment, the ledger, the reserve, the segments that pages are read from.
 */
export const JOURNAL_DESCRIPTORS = 2 + RESERVED_DESCRIPTORS + MAX_OPEN_PAGES;

/** The size of the clock of message ids, one 64-bit word (see id-clock.ts). */
export const ID_CLOCK_BYTES = 8;

export interface ShardThreadData {
  /** `VERSION` of the main thread. */
  readonly version: string;
  /** 0 to shards − 1. */
  readonly shard: number;
  readonly shards: number;
  /** The broker is starting, and will not start if this thread does not. */
  readonly isFirst: boolean;
  /** The number of the broker, 1 to 1,024. */
  readonly node: number;
  readonly inbox: RingMemory;
  readonly outbox: RingMemory;
  /** `PULSE_BYTES` for the thread's `Pulse`. */
  readonly pulse: SharedArrayBuffer;
  /** `SHARD_METRICS_BYTES` for the thread's `ShardGauges`, the same in all lives of the shard. */
  readonly metrics: SharedArrayBuffer;
  /** Topics whose metrics it tells, at most. */
  readonly metricsTopics: number;
  /** `ID_CLOCK_BYTES`, shared by all shards: the clock of message ids. */
  readonly idClock: SharedArrayBuffer;
  /** Undefined: nothing is on disk (durability `memory`). */
  readonly journal: JournalData | undefined;
  /** This shard's share of the memory budget. */
  readonly memoryBytes: number;
  /** Of topics that nobody has configured: milliseconds, and how often. */
  readonly topicDefaults: { readonly ttr: number; readonly retries: number };
  readonly channelDefaults: ChannelDefaults;
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
  /** The shard's directory, an absolute path. It exists, and this process has locked it. */
  readonly directory: string;
  /** What the names in the data directory must lead to. */
  readonly home: readonly Place[];
  /** `Durability` of topics that are not configured otherwise. */
  readonly level: number;
  readonly segmentBytes: number;
  /** Sequences of segments whose records have all been checked, and which have not been written since. */
  readonly verified: readonly number[];
  /** One Int32 for all shards of the broker: `DiskSpace`. */
  readonly disk: SharedArrayBuffer;
  /** Publishes are refused when fewer bytes of the file system are free. */
  readonly diskReserve: number;
}

/** The state of the data directory's file system. Anybody may set it to full, only the main thread back to enough. */
export const DiskSpace = { enough: 0, full: 1 } as const;

/** Times the reserve: with that much free space a disk that was full has enough again. */
export const ENOUGH_AGAIN = 1.25;

/**
 * The largest message of an outbox: a piece of staged frames, which ends with the frame that makes it a megabyte. A frame may
 * have half a frame of requested messages, a largest message, or the backlog of a channel.
 */
export const maxOutboxRecordBytes = (maxFrameBytes: number): number => 2 * maxFrameBytes + 8 * 1024 * 1024;
