/** Messages that subscribers have lost and cannot be told of, since payloads are all that they are sent: logged, not often. */
import type { Log } from "../../../log.js";

/** Milliseconds between two lines of the log. */
const EVERY = 10_000;

export class LossLog {
  readonly #log: Log;
  readonly #now: () => number;
  #lost = 0;
  #next = Number.NEGATIVE_INFINITY;

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  add(channel: string, subscriber: string, lost: number): void {
    if (lost === 0) return;
    this.#lost += lost;
    const now = this.#now();
    if (now < this.#next) return;
    this.#next = now + EVERY;
    this.#log.warn(
      { channel, subscriber, lost: this.#lost },
      "subscribers that were too slow have lost messages; format=json tells them how many, overflow=block slows publishers down",
    );
    this.#lost = 0;
  }
}
