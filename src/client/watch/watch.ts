/**
 * The samples of a broker as their program sees them.
 */
import type { AsyncFeed } from "../base/async-feed.js";
import type { RingmqError } from "../base/error.js";
import { EventHub } from "../base/event-hub.js";
import type { BrokerSample } from "./broker-sample.js";

/**
 * The samples of a broker: those that it had, and, as an iterator, each further one. Of what a program does not read, the last 256 are
 * kept. While there is no connection none come; those that the next broker has of that time come when there is one. It ends with
 * the client; it throws when the broker, or the next one, does not let it watch.
 */
export class Watch implements AsyncFeed<BrokerSample> {
  /** Of the last five minutes, the oldest first; it does not grow. Less where there are none, or frames are small. */
  readonly history: readonly BrokerSample[];
  readonly #hub = new EventHub<BrokerSample>();
  readonly #feed = this.#hub.watch();
  readonly #left: (watch: Watch) => void;
  #error: RingmqError | undefined;
  /** When the last one was taken that it has. */
  #time: number;

  /** @internal */
  constructor(history: readonly BrokerSample[], left: (watch: Watch) => void) {
    this.history = history;
    this.#left = left;
    this.#time = history.at(-1)?.time ?? 0;
  }

  /** @internal */
  push(sample: BrokerSample): void {
    this.#time = sample.time;
    this.#hub.push(sample);
  }

  /**
   * Those of another history that are newer than what it has.
   *
   * @internal
   */
  catchUp(history: readonly BrokerSample[]): void {
    const since = this.#time;
    for (const sample of history) if (sample.time > since) this.push(sample);
  }

  /** @internal */
  end(error: RingmqError | undefined): void {
    this.#error = error;
    this.#hub.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next sample. */
  async next(): Promise<IteratorResult<BrokerSample, undefined>> {
    const result = await this.#feed.next();
    const error = this.#error;
    if (result.done !== true || error === undefined) return result;
    this.#error = undefined;
    throw error;
  }

  /** Ends it: the broker sends no more. Leaving a `for await` does the same. */
  async return(): Promise<IteratorResult<BrokerSample, undefined>> {
    this.#left(this);
    this.#hub.end();
    await this.#feed.return?.();
    return { done: true, value: undefined };
  }

  /** As `return`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
