/** A warning that any client can bring about: once a minute at most, so that nobody fills the log with it. */
import type { Log } from "../log.js";

/** In milliseconds. */
const EVERY = 60_000;

export class Hint {
  readonly #log: Log;
  readonly #text: string;
  #next = Number.NEGATIVE_INFINITY;

  constructor(log: Log, text: string) {
    this.#log = log;
    this.#text = text;
  }

  /** In between it is said where details are wanted. */
  give(fields: object): void {
    const now = performance.now();
    if (now < this.#next) return this.#log.debug(fields, this.#text);
    this.#next = now + EVERY;
    this.#log.warn(fields, this.#text);
  }
}
