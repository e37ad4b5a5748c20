/**
 * A subscription to a channel, as a program reads it.
 */
import { unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { ReadLoop } from "../messages/read-loop.js";
import type { ChannelMessage } from "./channel-message.js";
import type { Follower } from "./follower.js";
import type { SubscriptionFeed } from "./subscription-feed.js";

/** How long a loop may stay at one message before a drain takes it for one that awaits the drain. Milliseconds. */
const MAX_STAY = 1000;

/**
 * The messages of a channel, as they come: `for await (const message of subscription)`. Leaving the loop ends it. A
 * program that falls behind loses messages: `lost` counts them, and so does each message for those right before it.
 */
export class Subscription implements AsyncIterableIterator<ChannelMessage> {
  readonly #feed: SubscriptionFeed;
  readonly #leave: (reason: RingmqError | undefined) => Promise<void>;
  /** Undefined when it shares its channel with others. */
  readonly #follower: Pick<Follower, "kept" | "recovered"> | undefined;
  readonly #loop = new ReadLoop<ChannelMessage>();
  #leaving: Promise<void> | undefined;

  /** `leave` resolves when nothing more will come; `closed` gets the reason that it is given. */
  constructor(
    feed: SubscriptionFeed,
    leave: (reason: RingmqError | undefined) => Promise<void>,
    follower?: Pick<Follower, "kept" | "recovered">,
  ) {
    this.#feed = feed;
    this.#leave = leave;
    this.#follower = follower;
  }

  get channel(): string {
    return this.#feed.channel;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#feed.closed;
  }

  /**
   * The position of the message that is read next. With `epoch` it is where another subscription goes on:
   * `from: { position, epoch }`. Undefined until it is known.
   */
  get position(): number | undefined {
    return this.#feed.place?.position;
  }

  /** What `position` counts in. Undefined without `from`, `recover`, `credit`, and for policies that need none of them. */
  get epoch(): string | undefined {
    return this.#feed.place?.epoch;
  }

  /** Whether the channel's messages are kept. Undefined where `epoch` is. */
  get kept(): boolean | undefined {
    return this.#follower?.kept;
  }

  /**
   * Whether all messages were there when it went on the last time, from an epoch that the program named or after its shard
   * was restarted. Undefined when it never did.
   */
  get recovered(): boolean | undefined {
    return this.#follower?.recovered;
  }

  /** Messages that are known to be lost so far, in the broker and here. */
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
      const value = await this.#feed.read();
      this.#loop.current = value;
      if (value !== undefined) return { done: false, value };
      this.#loop.finish();
      return { done: true, value };
    } catch (error) {
      this.#loop.finish();
      throw error;
    }
  }

  /**
   * Where the broker sends on: behind what has come.
   *
   * @internal
   */
  get received(): { readonly epoch: string | undefined; readonly position: number } | undefined {
    return this.#feed.next;
  }

  /**
   * Nothing more will come.
   *
   * @internal
   */
  get isOver(): boolean {
    return this.#feed.isOver;
  }

  /**
   * Another loop reads it, by `take` and `available`: a drain leaves that what has come.
   *
   * @internal
   */
  adopt(): void {
    this.#loop.isStarted = true;
  }

  /**
   * That loop has read it to its end.
   *
   * @internal
   */
  finish(): void {
    this.#loop.finish();
  }

  /**
   * The next message if it has come.
   *
   * @internal
   */
  take(): ChannelMessage | undefined {
    return this.#feed.take();
  }

  /**
   * Resolves with true when messages have come, with false when none will. Rejects once with the reason of its end.
   *
   * @internal
   */
  available(): Promise<boolean> {
    return this.#feed.size > 0 ? Promise.resolve(true) : this.#feed.wait();
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
    this.#leaving ??= this.#leave(undefined);
    return this.#leaving;
  }

  /**
   * The broker is about to close the connection, for this reason. What has come can still be read; then the iteration
   * rejects with it, unless the program has ended it.
   *
   * @internal
   */
  shutDown(reason: RingmqError): void {
    this.#leaving ??= this.#leave(reason);
    unobserved(this.#leaving);
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
    const { channel, position, epoch, buffered, lost } = this;
    return { channel, position, epoch, buffered, lost };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Subscription", this.toJSON(), options, inspect);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
