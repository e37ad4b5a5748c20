/**
 * A subscription to a channel, as a program reads it.
 */
import type { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { ReadLoop } from "../messages/read-loop.js";
import type { ChannelMessage } from "./channel-message.js";
import type { SubscriptionFeed } from "./subscription-feed.js";

/** How long a loop may stay at one message before a drain takes it for one that awaits the drain. Milliseconds. */
const MAX_STAY = 1000;

/**
 * The messages of a channel, as they come: `for await (const message of subscription)`. Leaving the loop ends it. A
 * program that falls behind loses messages: `lost` counts them, and so does each message for those right before it.
 */
export class Subscription implements AsyncIterableIterator<ChannelMessage> {
  readonly #feed: SubscriptionFeed;
  readonly #leave: () => Promise<void>;
  readonly #loop = new ReadLoop<ChannelMessage>();
  #leaving: Promise<void> | undefined;

  /** `leave` resolves when nothing more will come. */
  constructor(feed: SubscriptionFeed, leave: () => Promise<void>) {
    this.#feed = feed;
    this.#leave = leave;
  }

  get channel(): string {
    return this.#feed.channel;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#feed.closed;
  }

  /** Messages that were lost so far, in the broker and here. */
  get lost(): number {
    return this.#feed.lost;
  }

  /** Messages that have come and are not yet read. */
  get buffered(): number {
    return this.#feed.size;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message. Rejects once when the subscription ended for a reason; `done` after that. */
  async next(): Promise<IteratorResult<ChannelMessage, undefined>> {
    this.#loop.isStarted = true;
    this.#loop.current = undefined;
    try {
      const value = await this.#feed.next();
      this.#loop.current = value;
      if (value !== undefined) return { done: false, value };
      this.#loop.finish();
      return { done: true, value };
    } catch (error) {
      this.#loop.finish();
      throw error;
    }
  }

  /** Ends it; what was not read is dropped. `for await` calls it when the loop is left. */
  async return(): Promise<IteratorResult<ChannelMessage, undefined>> {
    await this.stop();
    this.#feed.clear();
    this.#loop.finish();
    return { done: true, value: undefined };
  }

  /** Ends the subscription. What has come can still be read; then the iteration ends. */
  stop(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  /**
   * Ends it and waits until the program has read what came; when nobody reads, that is dropped.
   *
   * It can be awaited in the loop as well: one that is at the same message for a second meanwhile is taken for one that
   * waits for this. It reads the rest before it ends.
   */
  async drain(): Promise<void> {
    if (this.#loop.isStarted) await this.stop();
    else await this.return();
    await this.#loop.waitForEnd(() => MAX_STAY);
  }

  toJSON(): object {
    const { channel, buffered, lost } = this;
    return { channel, buffered, lost };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Subscription", this.toJSON(), options, inspect);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
