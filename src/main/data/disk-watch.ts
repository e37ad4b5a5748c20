/**
 * Watches the free space of the data directory's file system. What is left below the reserve is for acks, deletions and
 * compaction, which make room: publishes are refused until there is a quarter more than that, so that a broker at the
 * edge does not change its mind with every segment. A shard that writes looks more often than this, and says so itself
 * (`SpaceGauge`); this one hears what others do to the disk, tells the log, and finds that there is room again.
 */
import { statfs } from "node:fs/promises";
import { DiskSpace } from "../../workers/shard-thread-data.js";
import type { Log } from "../log.js";

const LOOK_EVERY = 1_000;
const ENOUGH_AGAIN = 1.25;

/** Free bytes, for a process without privileges. */
export type FreeSpace = (path: string) => Promise<number>;

const freeSpace: FreeSpace = async (path) => {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
};

export class DiskWatch {
  /** What all shards read: one Int32, `DiskSpace`. */
  readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #word = new Int32Array(this.memory);
  readonly #directory: string;
  readonly #reserve: number;
  readonly #log: Log;
  readonly #free: FreeSpace;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #hasFailed = false;
  /** What the log says last. */
  #isSaidFull = false;

  constructor(directory: string, reserve: number, log: Log, free: FreeSpace = freeSpace) {
    this.#directory = directory;
    this.#reserve = reserve;
    this.#log = log;
    this.#free = free;
  }

  get isFull(): boolean {
    return Atomics.load(this.#word, 0) === DiskSpace.full;
  }

  /** Looks once, then about every second until `stop`. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never throws: of a file system that does not tell its free space, writes will tell when it is full. */
  async look(): Promise<void> {
    // A file system on a network may take longer than a second to answer.
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#judge(await this.#free(this.#directory));
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#log.warn({ error }, "the free space of the data directory is not known");
      this.#hasFailed = true;
      this.#set(DiskSpace.enough);
    } finally {
      this.#isLooking = false;
    }
  }

  #judge(free: number): void {
    const fields = { data: this.#directory, freeBytes: free, diskReserve: this.#reserve };
    // A shard that fills it finds that earlier than this.
    if (free < this.#reserve) this.#set(DiskSpace.full);
    if (this.isFull && free >= this.#reserve * ENOUGH_AGAIN) this.#set(DiskSpace.enough);
    if (this.isFull === this.#isSaidFull) return;
    this.#isSaidFull = this.isFull;
    if (this.isFull) {
      this.#log.error(fields, "the disk is nearly full: publishes are refused until there is space; acks go on");
    } else {
      this.#log.warn(fields, "the disk has space again: publishes are taken");
    }
  }

  #set(space: number): void {
    // Read and written by shards on their own: nothing else is published with it.
    Atomics.store(this.#word, 0, space);
  }
}
