/**
 * The ballast file: it reserves disk space, and is deleted when a write finds none left. That lets the shard write what
 * it has accepted, and the acks that will free space for good. Publishes are refused until the file is there again.
 */
import type { Disk } from "./disk.js";
import { isDiskFault } from "./disk-fault.js";
import { TEMPORARY_SUFFIX } from "./layout.js";
import { join } from "./paths.js";
import { makeSpare } from "./spares.js";

/** More than a shard appends between two checks of `roomForPublishes`. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Milliseconds between two attempts to create the file. */
const RETRY_INTERVAL = 1000;

/** Bytes of the file, beside segments of a length. */
export const ballastBytes = (segmentBytes: number): number => Math.min(segmentBytes, MAX_BYTES);

export class Ballast {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #bytes: number;
  readonly #ask: ((path: string, bytes: number) => void) | undefined;
  #state: "none" | "asked" | "there" = "none";
  #isGivenUp = false;
  #retryAt = Number.NEGATIVE_INFINITY;

  /** `ask` has somebody else create a file of zeros; without it the file is created here. */
  constructor(
    disk: Disk,
    directory: string,
    segmentBytes: number,
    ask: ((path: string, bytes: number) => void) | undefined,
  ) {
    this.#disk = disk;
    this.#path = join(directory, `ballast${TEMPORARY_SUFFIX}`);
    this.#bytes = ballastBytes(segmentBytes);
    this.#ask = ask;
  }

  /** The file was deleted to make room and is not back yet. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Bytes that should be free for the file: it is no reason to refuse publishes. Once it was given up they are refused for the lack of it. */
  get room(): number {
    return this.#isGivenUp ? 0 : this.#bytes;
  }

  /** When to call `provide` again. Infinity: the file exists or is being created. */
  get due(): number {
    return this.#state === "none" ? this.#retryAt : Number.POSITIVE_INFINITY;
  }

  /** Creates the file, or asks for it, unless that has just failed. */
  provide(now: number): void {
    if (this.#state !== "none" || now < this.#retryAt) return;
    this.#retryAt = now + RETRY_INTERVAL;
    // One that an earlier life of the shard has left.
    this.#remove();
    if (this.#ask !== undefined) {
      this.#state = "asked";
      this.#ask(this.#path, this.#bytes);
      return;
    }
    try {
      makeSpare(this.#disk, this.#path, this.#bytes);
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      return;
    }
    this.#stand();
  }

  /** The answer to `ask`. False: it is about another file. */
  answer(path: string, isMade: boolean, now: number): boolean {
    if (path !== this.#path) return false;
    if (this.#state !== "asked") return true;
    this.#state = "none";
    this.#retryAt = now + RETRY_INTERVAL;
    if (isMade) this.#stand();
    return true;
  }

  /** Deletes the file to make room. False: there was none. */
  giveUp(now: number): boolean {
    this.#isGivenUp = true;
    if (this.#state !== "there" || !this.#remove()) return false;
    this.#state = "none";
    this.#retryAt = now + RETRY_INTERVAL;
    return true;
  }

  #stand(): void {
    this.#state = "there";
    this.#isGivenUp = false;
  }

  #remove(): boolean {
    try {
      this.#disk.remove(this.#path);
      return true;
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      return false;
    }
  }
}
