/**
 * Files that are ready to become segments: of full length already, so that a commit neither waits for the file system to
 * find room nor learns that there is none. What they hold is zeros or the records of an earlier use, whose checksums are
 * of another sequence.
 *
 * Segments that nobody needs any more become spares, which costs nothing. Zeros cost as much of the disk as the records
 * that replace them, and more of the processor: they are written ahead only where the disk is not busy with records. A
 * segment for which there is no spare begins as an empty file.
 */
import { join } from "node:path";
import type { Disk } from "./disk.js";
import { isDiskFault, isOutOfDescriptors } from "./disk-fault.js";
import { TEMPORARY_SUFFIX } from "./layout.js";
import { writeFully } from "./whole-file.js";

/** One to go on in, and one that is being made or came from a reclaimed segment. */
export const MAX_SPARES = 2;

/** Written at a time. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Written between two syncs: a file system that is given 64 MiB at once makes the commits of others wait for all of it.
 */
const SYNCED_BYTES = 4 * 1024 * 1024;

/** Milliseconds from a spare that could not be made to the next attempt. */
const RETRY_INTERVAL = 1000;

/** Makes a file of zeros, durably; on an error there is none. */
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

/** Why one could not be made, as far as that is known. */
export type Fault = { readonly code?: string | undefined } | undefined;

export class Spares {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #bytes: number;
  readonly #ask: ((path: string, bytes: number) => void) | undefined;
  readonly #ready: string[] = [];
  /** Who answers for the paths of this run: a file that an earlier run asked for is not taken for one of ours. */
  readonly #run: number;
  #made = 0;
  #asked: string | undefined;
  #retryAt = Number.NEGATIVE_INFINITY;
  #isShort = false;

  /** `run` is another one at each start. Without `ask` the files are made when they are needed. */
  constructor(
    disk: Disk,
    directory: string,
    bytes: number,
    run: number,
    ask: ((path: string, bytes: number) => void) | undefined,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#bytes = bytes;
    this.#run = run;
    this.#ask = ask;
  }

  /** There is none, and the last attempt to make one has failed, other than for want of descriptors: those pass. */
  get isShort(): boolean {
    return this.#isShort && this.#ready.length === 0;
  }

  /** Somebody else makes them, beside what goes on here. */
  get isDelegated(): boolean {
    return this.#ask !== undefined;
  }

  get isFull(): boolean {
    return this.#ready.length >= MAX_SPARES;
  }

  /** A path that no file has. */
  nextPath(): string {
    this.#made++;
    return join(this.#directory, `spare-${this.#run}-${this.#made}${TEMPORARY_SUFFIX}`);
  }

  /** Asks somebody else for one, if there is none and nobody is at it. */
  request(now: number): void {
    if (this.#ask === undefined || this.#ready.length > 0 || this.#asked !== undefined || now < this.#retryAt) return;
    this.#asked = this.nextPath();
    this.#ask(this.#asked, this.#bytes);
  }

  /** Makes one here, unless there is one, or somebody else is at it, or it has just failed. */
  provide(now: number): void {
    if (this.#ready.length === 0 && this.#asked === undefined && now >= this.#retryAt) this.#make(now);
  }

  /**
   * One of them. If there is none it is an empty file, unless nobody else makes them: then one is made here, as long as
   * there is room. Throws if not even an empty one can be made.
   */
  take(now: number): string {
    if (this.#ready.length === 0 && !this.isDelegated && now >= this.#retryAt) this.#make(now);
    const path = this.#ready.pop();
    if (path !== undefined) return path;
    const empty = this.nextPath();
    this.#disk.open(empty, "create").close();
    return empty;
  }

  /** The file is there, durable, and nobody else's. */
  add(path: string): void {
    this.#ready.push(path);
    this.#isShort = false;
  }

  /** Somebody has made the file that was asked for, or could not. Paths of an earlier run are not heeded. */
  answer(path: string, isMade: boolean, now: number, fault: Fault): void {
    if (path !== this.#asked) return;
    this.#asked = undefined;
    if (isMade) this.add(path);
    else this.#fail(now, fault);
  }

  /** Answers how many there were. What cannot be removed is left to the next start. */
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

  #fail(now: number, fault: Fault): void {
    // A segment can begin as an empty file, for which the journal has a descriptor in reserve.
    if (fault === undefined || !isOutOfDescriptors(fault)) this.#isShort = true;
    this.#retryAt = now + RETRY_INTERVAL;
  }

  /** Makes one, or notes that it cannot be made. */
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
