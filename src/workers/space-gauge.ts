/**
 * How much of the disk a shard may still fill with publishes. The main thread looks at the free space about once a
 * second, in which a busy shard writes hundreds of megabytes: so each shard looks as well, the more often the less there
 * is. Who finds that it is below the reserve says so to all; that there is enough again the main thread says.
 */
import { DiskSpace } from "./shard-thread-data.js";

/** Bytes of the journal between two looks. What is appended in between may come out of the reserve. */
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
  /** Free bytes that are kept for what makes room. */
  readonly reserve: number;
  /** That fill the same disk. */
  readonly shards: number;
  /** Free bytes of the file system, for a process without privileges; may throw. */
  readonly freeBytes: () => number;
}

export class SpaceGauge {
  readonly #word: Int32Array;
  readonly #options: SpaceGaugeOptions;
  /** The position of the log at which to look again. */
  #lookAt = Number.NEGATIVE_INFINITY;

  constructor(options: SpaceGaugeOptions) {
    this.#options = options;
    this.#word = new Int32Array(options.memory);
  }

  /** Whether publishes must wait. Cheap as long as the log has not grown by much. */
  isFull({ position, durable }: Growth): boolean {
    if (position >= this.#lookAt && !this.isKnownFull) this.#look(position, durable);
    return this.isKnownFull;
  }

  /** What was found last, by whomever. */
  get isKnownFull(): boolean {
    // Nothing else is published with it.
    return Atomics.load(this.#word, 0) === DiskSpace.full;
  }

  #look(position: number, durable: number): void {
    const { reserve, shards, freeBytes } = this.#options;
    let left: number;
    try {
      left = freeBytes() - (position - durable) - reserve;
    } catch {
      // The main thread says so, and writes will tell.
      left = Number.POSITIVE_INFINITY;
    }
    // The others fill it at the same time; half of what is left for each is far enough from the edge.
    this.#lookAt = position + Math.max(MIN_BETWEEN, Math.min(MAX_BETWEEN, left / (2 * shards)));
    if (left < 0) Atomics.store(this.#word, 0, DiskSpace.full);
  }
}
