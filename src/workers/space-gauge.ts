/**
 * Tells a shard when the disk is too full for publishes. The main thread checks the free space about once a second, in
 * which a busy shard writes hundreds of megabytes. So each shard checks too, more often the less space is left. Whoever
 * finds less than the reserve tells all shards; the main thread tells them when there is enough again.
 */
import { DiskSpace, ENOUGH_AGAIN } from "./shard-thread-data.js";

/** Bytes of the journal between two checks. They may come out of the reserve. */
const MAX_BETWEEN = 4 * 1024 * 1024;
const MIN_BETWEEN = 64 * 1024;

/** The log of a shard: positions in it. */
export interface Growth {
  readonly position: number;
  readonly durable: number;
}

export interface SpaceGaugeOptions {
  /** One Int32 for all shards: `DiskSpace`. */
  readonly memory: SharedArrayBuffer;
  /** Free bytes that are reserved for acks and compaction, which free space. */
  readonly reserve: number;
  /** How many shards fill the disk. */
  readonly shards: number;
  /** Free bytes of the file system for an unprivileged process. May throw. */
  readonly freeBytes: () => number;
}

export class SpaceGauge {
  readonly #word: Int32Array;
  readonly #options: SpaceGaugeOptions;
  /** The log position at which to check again. */
  #lookAt = Number.NEGATIVE_INFINITY;

  constructor(options: SpaceGaugeOptions) {
    this.#options = options;
    this.#word = new Int32Array(options.memory);
  }

  /** Whether publishes must be refused. Cheap while the log has grown only a little. */
  isFull({ position, durable }: Growth): boolean {
    if (position >= this.#lookAt && !this.isKnownFull) this.#look(position, durable);
    return this.isKnownFull;
  }

  /** What was found last, by any thread. */
  get isKnownFull(): boolean {
    // Nothing else is published with it.
    return Atomics.load(this.#word, 0) === DiskSpace.full;
  }

  /**
   * Whether the disk is not full, and would not come near it if each shard had so many bytes more at once. Cheap for 0 bytes. Without
   * a reserve it is the write that fails.
   */
  hasRoomFor(bytes: number): boolean {
    if (this.isKnownFull) return false;
    const { reserve, shards, freeBytes } = this.#options;
    if (bytes === 0 || reserve === 0) return true;
    try {
      return freeBytes() >= reserve * ENOUGH_AGAIN + bytes * shards;
    } catch {
      return true;
    }
  }

  #look(position: number, durable: number): void {
    const { reserve, shards, freeBytes } = this.#options;
    let left: number;
    try {
      left = freeBytes() - (position - durable) - reserve;
    } catch {
      // The main thread logs it, and failed writes will show whether the disk is full.
      left = Number.POSITIVE_INFINITY;
    }
    // The other shards write at the same time. Half of this shard's share of what is left is a safe distance.
    this.#lookAt = position + Math.max(MIN_BETWEEN, Math.min(MAX_BETWEEN, left / (2 * shards)));
    if (left < 0) Atomics.store(this.#word, 0, DiskSpace.full);
  }
}
