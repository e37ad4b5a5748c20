/**
 * What feeds a subscription: the connection puts messages in, the program takes them out.
 */
import { reasonOf } from "../arguments/argument-checks.js";
import type { SubscribeOptions } from "../arguments/options.js";
import { type Deferred, deferred } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Arrival } from "../messages/content.js";
import { ChannelBacklog } from "./channel-backlog.js";
import type { ChannelMessage } from "./channel-message.js";

export class SubscriptionFeed {
  readonly #options: SubscribeOptions;
  readonly #backlog = new ChannelBacklog();
  readonly #closed = deferred<RingmqError | undefined>();
  #lost = 0;
  #over = false;
  /** Why it ended, until the program has been told. */
  #error: RingmqError | undefined;
  #wake: Deferred<void> | undefined;

  constructor(
    readonly channel: string,
    options: SubscribeOptions,
  ) {
    this.#options = options;
  }

  /** Resolves when nothing more will come. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  get lost(): number {
    return this.#lost;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get size(): number {
    return this.#backlog.size;
  }

  /** Entries have come. */
  push(arrival: Arrival, start: number, end: number, count: number): void {
    if (this.#over) return;
    const dropped = this.#backlog.push(arrival, start, end, count);
    if (dropped > 0) this.#count(dropped);
    if (dropped > 0 && this.#options.overflow === "disconnect") {
      this.#backlog.clear();
      this.end(localError("SLOW_SUBSCRIBER", `the subscription to ${this.channel} fell too far behind`));
    }
    this.#rouse();
  }

  /** Messages were lost in the broker. */
  lose(count: number): void {
    if (this.#over) return;
    this.#backlog.lose(count);
    this.#count(count);
  }

  /** Nothing more will come. */
  end(error: RingmqError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#closed.resolve(error);
    this.#rouse();
  }

  /** What was not read will not be. */
  clear(): void {
    this.#backlog.clear();
  }

  /** The next message, or undefined when there will be none. Rejects once with why it ended. */
  async next(): Promise<ChannelMessage | undefined> {
    for (;;) {
      const message = this.#backlog.shift(this.channel);
      if (message !== undefined) return message;
      if (this.#over) break;
      this.#wake ??= deferred();
      await this.#wake.promise;
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    return undefined;
  }

  #rouse(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  #count(lost: number): void {
    this.#lost += lost;
    if (this.#options.onLost !== undefined) queueMicrotask(() => void this.#tell(lost));
  }

  /** Calls the program, not from within the reading of a frame. What it throws or rejects with ends nothing of ours. */
  async #tell(lost: number): Promise<void> {
    try {
      await this.#options.onLost?.(lost);
    } catch (error) {
      print(error);
    }
  }
}

/** There is no promise that could reject with it, and to end the program over a report of losses would be too much. */
const print = (error: unknown): void => {
  const what = "ringmq: onLost of a subscription failed:";
  try {
    console.error(what, error);
  } catch {
    // Something that throws again when it is shown.
    console.error(what, reasonOf(error));
  }
};
