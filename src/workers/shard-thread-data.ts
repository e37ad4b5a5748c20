/**
 * What the main thread gives a shard thread to start with.
 */
import type { RingMemory } from "../channel/ring.js";

export interface ShardThreadData {
  /** 0 to shards − 1. */
  readonly shard: number;
  readonly shards: number;
  /** 1 to 1,023. */
  readonly node: number;
  readonly inbox: RingMemory;
  readonly outbox: RingMemory;
  /** `ID_CLOCK_BYTES` that all shards of the broker number their messages by. */
  readonly idClock: SharedArrayBuffer;
  /** This shard's part of the memory budget, bytes. */
  readonly memoryBytes: number;
  readonly limits: {
    readonly maxMessageBytes: number;
    readonly maxFrameBytes: number;
    readonly maxBatchMessages: number;
    readonly maxNameBytes: number;
    readonly maxTopics: number;
    readonly maxQueues: number;
    readonly maxConsumers: number;
  };
}

/**
 * The largest record of an outbox: what is staged before it is sent, the largest answer on top of that. See `Pump`.
 */
export const maxOutboxRecordBytes = (maxFrameBytes: number): number => maxFrameBytes + 8 * 1024 * 1024;
