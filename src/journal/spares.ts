/**
 * Spare files, ready to become segments. They have their full length already, so a commit neither waits for the file
 * system to allocate space nor finds that there is none. They hold zeros, or records of an earlier use, whose checksums
 * are of another sequence.
 *
 * Obsolete segments become spares at no cost. Writing zeros costs as much disk bandwidth as the records that replace
 * them, and more CPU, so it is done ahead only while the disk is idle. Without a spare, a segment begins as an empty
 * file.
 */
import type { Disk } from "./disk.js";
import { type Fault, isDiskFault, isOutOfDescriptors } from "./disk-fault.js";
import { TEMPORARY_SUFFIX } from "./layout.js";
import { join } from "./paths.js";
import { writeFully } from "./whole-file.js";

/** One for the next segment, and one that is being made or was reclaimed. */
export const MAX_SPARES = 2;

/** Bytes to write at a time. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Bytes between two syncs: given 64 MiB at once, a file system makes the commits of other files wait for all of them.
 */
const SYNCED_BYTES = 4 * 1024 * 1024;

/** Milliseconds from a failed attempt to the next. */
const RETRY_INTERVAL = 1000;

/** Makes a file of zeros, durably. On an error it leaves none. */
export const makeSpare = (disk: Disk, path: string, bytes: number): void => {
  const file = disk.open(path, "create");
  try {
    const zeros = new Uint8Array(Math.min(bytes, CHUNK_BYTES));
    for (let at = 0; at < bytes; at += zeros.length) {
      writeFully(file, zeros, 0, Math.min(zeros.length, bytes - at), at);
      if (at > 0 && at % SYNCED_BYTES === 0) file.sync();
    }
    file.sync();
    file.close();
  } catch (error) {
    file.close();
    disk.remove(path);
    throw error;
  }
};

/** Share of a segment in use at which a spare is requested if there is none. */
const SPARE_SHARE = 1 / 4;

/**
 * Bytes per millisecond. Zeros for the next segment are written ahead only while the current one fills more slowly. At
 * 300 MB/s they would take a third of a microsecond of CPU per message, and half of the disk.
 */
const ZEROED_RATE = 16 * 1024;

export class Spares {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #bytes: number;
  readonly #ask: ((path: string, bytes: number) => void) | undefined;
  readonly #hasSpace: (bytes: number) => boolean;
  readonly #ready: string[] = [];
  /** Part of the file names, so that files requested by an earlier run are not taken for this run's. */
  readonly #run: number;
  #made = 0;
  #asked: string | undefined;
  #retryAt = Number.NEGATIVE_INFINITY;
  #isShort = false;
  #fault: Fault | undefined;

  /**
   * `run` differs at each start. Without `ask` files are made when they are needed; and none unless `hasSpace` for it, which asks
   * the system.
   */
  constructor(
    disk: Disk,
    directory: string,
    bytes: number,
    run: number,
    ask: ((path: string, bytes: number) => void) | undefined,
    hasSpace: (bytes: number) => boolean,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#bytes = bytes;
    this.#run = run;
    this.#ask = ask;
    this.#hasSpace = hasSpace;
  }

  /**
   * There is none, and the last attempt to make one failed for a reason that is the disk's: not for a lack of descriptors,
   * which passes, nor because the thread that made it has ended, which says nothing of the disk.
   */
  get isShort(): boolean {
    return this.#isShort && this.#ready.length === 0;
  }

  /** Why it is short. */
  get fault(): Fault | undefined {
    return this.isShort ? this.#fault : undefined;
  }

  /** Somebody else makes the files, in the background. */
  get isDelegated(): boolean {
    return this.#ask !== undefined;
  }

  get isFull(): boolean {
    return this.#ready.length >= MAX_SPARES;
  }

  /** A new path. */
  nextPath(): string {
    this.#made++;
    return join(this.#directory, `spare-${this.#run}-${this.#made}${TEMPORARY_SUFFIX}`);
  }

  /** Whether one is ready. */
  get isReady(): boolean {
    return this.#ready.length > 0;
  }

  /**
   * Gets a spare ready before the open segment ends: that has `used` bytes since `begunAt`, and takes `growth` more of the disk.
   * `isEnding`: nobody else makes spares in time.
   */
  keepReady(used: number, growth: number, isEnding: boolean, begunAt: number, now: number): void {
    if (this.#ready.length > 0 || this.#asked !== undefined || now < this.#retryAt) return;
    const isBusy = used > (now - begunAt) * ZEROED_RATE;
    const isWanted = (used >= this.#bytes * SPARE_SHARE && !isBusy) || this.isShort;
    if (!(this.isDelegated ? isWanted : isEnding || this.isShort) || !this.#hasRoom(growth, now)) return;
    if (this.#ask === undefined) return this.#make(now);
    this.#asked = this.nextPath();
    this.#ask(this.#asked, this.#bytes);
  }

  /**
   * Whether the disk can give a spare and does not come near what is reserved by that. Where it cannot, segments begin as empty
   * files, and what is reserved says whether publishes are taken.
   */
  #hasRoom(growth: number, now: number): boolean {
    if (this.#hasSpace(this.#bytes + growth)) return true;
    this.#retryAt = now + RETRY_INTERVAL;
    this.#isShort = false;
    return false;
  }

  /**
   * Takes a spare. If there is none: makes one here if nobody else does, and otherwise, or without space, an empty
   * file. Throws if not even that can be made.
   */
  take(now: number): string {
    if (this.#ready.length === 0 && !this.isDelegated && now >= this.#retryAt && this.#hasRoom(0, now)) this.#make(now);
    const path = this.#ready.pop();
    if (path !== undefined) return path;
    const empty = this.nextPath();
    this.#disk.open(empty, "create").close();
    return empty;
  }

  /** Adds a file, which is durable and used by nobody else. */
  add(path: string): void {
    this.#ready.push(path);
    this.#isShort = false;
  }

  /** The answer to `ask`. Paths of an earlier run are ignored. `fault`: why it was not made, if known. */
  answer(path: string, isMade: boolean, now: number, fault: Fault | undefined): void {
    if (path !== this.#asked) return;
    this.#asked = undefined;
    if (isMade) this.add(path);
    else this.#fail(now, fault);
  }

  /** Returns how many it removed. The next start removes the rest. */
  removeAll(): number {
    let removed = 0;
    for (const path of this.#ready.splice(0)) {
      try {
        this.#disk.remove(path);
        removed++;
      } catch (error) {
        if (!isDiskFault(error)) throw error;
      }
    }
    return removed;
  }

  #fail(now: number, fault: Fault | undefined): void {
    // Otherwise a segment begins as an empty file, for which the journal has descriptors in reserve.
    if (fault === undefined || (fault.code !== undefined && !isOutOfDescriptors(fault))) {
      this.#isShort = true;
      this.#fault = fault;
    }
    this.#retryAt = now + RETRY_INTERVAL;
  }

  /** Makes one, or notes the failure. */
  #make(now: number): void {
    const path = this.nextPath();
    try {
      makeSpare(this.#disk, path, this.#bytes);
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      this.#fail(now, error);
      return;
    }
    this.add(path);
  }
}
