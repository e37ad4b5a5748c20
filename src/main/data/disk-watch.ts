/**
 * Watches the free space of the data directory's file system. Space below the reserve is kept for acks, deletions and
 * compaction, which free space. Publishes are refused until there is a quarter more than the reserve, so that a broker at
 * the limit does not change its state with every segment. Shards check more often while they write (`SpaceGauge`); this
 * watch notices what other programs do to the disk, writes to the log, and finds that there is space again.
 */
import { statfs } from "node:fs/promises";
import { DiskSpace, ENOUGH_AGAIN } from "../../workers/shard-thread-data.js";
import type { Log } from "../log.js";

/** Milliseconds between two checks. */
const CHECK_INTERVAL = 1_000;

/** On a disk that is smaller than the reserve only the last helps. */
const REMEDY = "free some space, acknowledge messages, or start with a smaller --disk-reserve";

/** Free bytes for an unprivileged process. */
export type FreeSpace = (path: string) => Promise<number>;

export const freeSpace: FreeSpace = async (path) => {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
};

export class DiskWatch {
  /** Read by all shards: one Int32, `DiskSpace`. */
  readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  /** Called when the disk has become full, or has space again. */
  onChange: (isFull: boolean, freeBytes: number) => void = () => {};
  readonly #word = new Int32Array(this.memory);
  readonly #directory: string;
  readonly #reserve: number;
  readonly #log: Log;
  readonly #free: FreeSpace;
  #freeBytes: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #hasFailed = false;
  /** The last log line said that the disk is full. */
  #isLoggedFull = false;

  constructor(directory: string, reserve: number, log: Log, free: FreeSpace = freeSpace) {
    this.#directory = directory;
    this.#reserve = reserve;
    this.#log = log;
    this.#free = free;
  }

  /** Free bytes when it last looked; undefined: it is not known. */
  get freeBytes(): number | undefined {
    return this.#freeBytes;
  }

  get isFull(): boolean {
    return Atomics.load(this.#word, 0) === DiskSpace.full;
  }

  /** Checks once, then about every second until `stop`. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), CHECK_INTERVAL);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never rejects. If the free space cannot be known, failed writes will show when the disk is full. */
  async look(): Promise<void> {
    // A network file system may take longer than a second to answer.
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const free = await this.#free(this.#directory);
      this.#freeBytes = Number.isFinite(free) ? free : undefined;
      this.#judge(free);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) this.#log.warn({ error }, "the free space of the data directory is not known");
      this.#hasFailed = true;
      this.#freeBytes = undefined;
      this.#set(DiskSpace.enough);
    } finally {
      this.#isLooking = false;
    }
  }

  #judge(free: number): void {
    const fields = { data: this.#directory, freeBytes: free, diskReserve: this.#reserve };
    // A shard that fills the disk notices earlier than this.
    if (free < this.#reserve) this.#set(DiskSpace.full);
    if (this.isFull && free >= this.#reserve * ENOUGH_AGAIN) this.#set(DiskSpace.enough);
    if (this.isFull === this.#isLoggedFull) return;
    this.#isLoggedFull = this.isFull;
    if (this.isFull) {
      const text = "the disk is nearly full: publishes are refused until there is space; acks go on";
      this.#log.error({ ...fields, remedy: REMEDY }, text);
    } else {
      this.#log.warn(fields, "the disk has space again: there is more than the reserve");
    }
    this.onChange(this.isFull, free);
  }

  #set(space: number): void {
    // Shards read and write it as well; nothing else is published with it.
    Atomics.store(this.#word, 0, space);
  }
}
