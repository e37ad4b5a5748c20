/**
 * A file that takes up room while there is some, and gives it back when a write finds none: what was appended can be
 * written then, and the acks behind it, which make room for good. Until it is there again no publish is accepted.
 */
import { join } from "node:path";
import type { Disk } from "./disk.js";
import { isDiskFault } from "./disk-fault.js";
import { TEMPORARY_SUFFIX } from "./layout.js";
import { makeSpare } from "./spares.js";

/** More than is appended between two looks at whether publishes may be accepted. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Milliseconds from an attempt to make it to the next. */
const RETRY_INTERVAL = 1000;

export class Ballast {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #bytes: number;
  readonly #ask: ((path: string, bytes: number) => void) | undefined;
  #state: "none" | "asked" | "there" = "none";
  #isGivenUp = false;
  #retryAt = Number.NEGATIVE_INFINITY;

  /** Without `ask` it is made here. */
  constructor(
    disk: Disk,
    directory: string,
    segmentBytes: number,
    ask: ((path: string, bytes: number) => void) | undefined,
  ) {
    this.#disk = disk;
    this.#path = join(directory, `ballast${TEMPORARY_SUFFIX}`);
    this.#bytes = Math.min(segmentBytes, MAX_BYTES);
    this.#ask = ask;
  }

  /** There was no room for what had been accepted, and nothing stands by for the next time. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** When to call `provide` again; Infinity: it is there, or is being made. */
  get due(): number {
    return this.#state === "none" ? this.#retryAt : Number.POSITIVE_INFINITY;
  }

  /** Makes it, or has it made, unless that has just failed. */
  provide(now: number): void {
    if (this.#state !== "none" || now < this.#retryAt) return;
    this.#retryAt = now + RETRY_INTERVAL;
    // Of an earlier life of the shard.
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

  /** Somebody has made it, or could not. False: it was another file that was asked for. */
  answer(path: string, isMade: boolean, now: number): boolean {
    if (path !== this.#path) return false;
    if (this.#state !== "asked") return true;
    this.#state = "none";
    this.#retryAt = now + RETRY_INTERVAL;
    if (isMade) this.#stand();
    return true;
  }

  /** Gives its room back; false: it had none. */
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
