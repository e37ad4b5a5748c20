/**
 * The messages of a subscription on their way from the connection to the program.
 */
import { reasonOf } from "../arguments/argument-checks.js";
import type { SubscribeOptions } from "../arguments/options.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Arrival } from "../messages/content.js";
import { FeedState } from "../messages/feed-state.js";
import { ChannelBacklog } from "./channel-backlog.js";
import type { ChannelMessage } from "./channel-message.js";

export class SubscriptionFeed {
  readonly #options: SubscribeOptions;
  readonly #backlog = new ChannelBacklog();
  readonly #state = new FeedState();
  #lost = 0;

  constructor(
    readonly channel: string,
    options: SubscribeOptions,
  ) {
    this.#options = options;
  }

  /** Resolves when nothing more will come. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#state.closed;
  }

  get lost(): number {
    return this.#lost;
  }

  get isOver(): boolean {
    return this.#state.isOver;
  }

  get size(): number {
    return this.#backlog.size;
  }

  /** The `count` entries [start, end) have come. */
  push(arrival: Arrival, start: number, end: number, count: number): void {
    if (this.#state.isOver) return;
    const dropped = this.#backlog.push(arrival, start, end, count);
    if (dropped > 0) this.#addLost(dropped);
    if (dropped > 0 && this.#options.overflow === "disconnect") {
      this.#backlog.clear();
      this.end(localError("SLOW_SUBSCRIBER", `the subscription to ${this.channel} fell too far behind`));
    }
    this.#state.wakeUp();
  }

  /** The broker has dropped messages. */
  lose(count: number): void {
    if (this.#state.isOver) return;
    this.#backlog.lose(count);
    this.#addLost(count);
  }

  /** Nothing more will come. */
  end(error: RingmqError | undefined): void {
    this.#state.end(error);
  }

  /** Drops what is not read. */
  clear(): void {
    this.#backlog.clear();
  }

  /** The next message, or undefined at the end. Rejects once with the reason of the end. */
  async next(): Promise<ChannelMessage | undefined> {
    for (;;) {
      const message = this.#backlog.shift(this.channel);
      if (message !== undefined) return message;
      if (!(await this.#state.wait())) return undefined;
    }
  }

  #addLost(lost: number): void {
    this.#lost += lost;
    if (this.#options.onLost !== undefined) queueMicrotask(() => void this.#callOnLost(lost));
  }

  /** Calls the program, in a microtask and not while a frame is read. Its errors must not end the connection. */
  async #callOnLost(lost: number): Promise<void> {
    try {
      await this.#options.onLost?.(lost);
    } catch (error) {
      print(error);
    }
  }
}

/** No promise could reject with this error, and it should not end the program. */
const print = (error: unknown): void => {
  const what = "ringmq: onLost of a subscription failed:";
  try {
    console.error(what, error);
  } catch {
    // The thrown value throws again when it is inspected.
    console.error(what, reasonOf(error));
  }
};
