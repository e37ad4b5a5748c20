/**
 * The subscriptions of a connection. A connection subscribes to a channel once; a program may do so several times, and
 * each of its subscriptions gets every message.
 */
import { countEntries, SIZE_MASK } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { unpackHead } from "../../protocol/head.js";
import { Op } from "../../protocol/op.js";
import type { SubscribeOptions } from "../arguments/options.js";
import { unobserved } from "../base/deferred.js";
import { RingmqError } from "../base/error.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import type { ChannelSink } from "../connection/sinks.js";
import { Subscription } from "./subscription.js";
import { SubscriptionFeed } from "./subscription-feed.js";

/** No request has this number. */
const NO_REQUEST = 0;

/** One subscription of the program. */
interface Subscriber {
  readonly feed: SubscriptionFeed;
  readonly subscription: Subscription;
  /** The number of its SUBSCRIBE. */
  request: number;
  isConfirmed: boolean;
}

/** A channel and its subscriptions. */
interface ChannelEntry {
  readonly subscribers: Set<Subscriber>;
  /** The SUBSCRIBE that was confirmed last. The broker uses its number when it ends the channel's subscription. */
  request: number;
}

/** Calls back while its CONFIRM is read. What awaits the promise runs only after the frames that follow it. */
class SubscribeRequest extends CountRequest {
  readonly #onConfirmed: () => void;

  constructor(onConfirmed: () => void) {
    super();
    this.#onConfirmed = onConfirmed;
  }

  override confirmed(high: number, low: number, messages: number): void {
    this.#onConfirmed();
    super.confirmed(high, low, messages);
  }
}

export class Subscriptions implements ChannelSink {
  readonly #connection: Connection;
  readonly #byChannel = new Map<string, ChannelEntry>();
  /** The channel of each entry's `request`. */
  readonly #byRequest = new Map<number, string>();
  /** The head of the last frame and its channel: consecutive frames are mostly of one channel. */
  #lastHead = new Uint8Array(0);
  #lastChannel = "";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The subscriptions that have not ended. */
  get all(): Subscription[] {
    return [...this.#byChannel.values()].flatMap(({ subscribers }) =>
      [...subscribers].map(({ subscription }) => subscription),
    );
  }

  async subscribe(channel: string, options: SubscribeOptions): Promise<Subscription> {
    const feed = new SubscriptionFeed(channel, options);
    const subscription = new Subscription(feed, () => this.#leave(subscriber));
    const subscriber: Subscriber = { feed, subscription, request: NO_REQUEST, isConfirmed: false };
    const pending = new SubscribeRequest(() => this.#confirmed(subscriber));
    // With several subscriptions the broker applies the policy of the latest SUBSCRIBE.
    subscriber.request = this.#connection.request(Op.SUBSCRIBE, requestHead([channel, options.overflow]), pending);
    const entry = this.#byChannel.get(channel);
    if (entry === undefined) this.#byChannel.set(channel, { subscribers: new Set([subscriber]), request: NO_REQUEST });
    else entry.subscribers.add(subscriber);
    try {
      await pending.promise;
    } catch (error) {
      this.#remove(subscriber);
      throw error;
    }
    return subscription;
  }

  messages(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void {
    const count = countEntries(view, start, end, SIZE_MASK, Number.POSITIVE_INFINITY);
    if (count <= 0) throw new ProtocolError("BAD_FRAME", "the messages of a channel are not entries");
    const entry = this.#byChannel.get(this.#channel(bytes, head, start));
    if (entry === undefined) return;
    const arrival = { bytes, view };
    for (const subscriber of entry.subscribers) {
      subscriber.feed.push(arrival, start, end, count);
      if (subscriber.feed.isOver) unobserved(this.#leave(subscriber));
    }
  }

  lost(channel: string, count: number): void {
    for (const { feed } of this.#byChannel.get(channel)?.subscribers ?? []) feed.lose(count);
  }

  closed(request: number, error: RingmqError): void {
    const channel = this.#byRequest.get(request);
    // Unknown when the program has just left it.
    const entry = channel === undefined ? undefined : this.#byChannel.get(channel);
    if (entry === undefined) return;
    this.#byRequest.delete(request);
    entry.request = NO_REQUEST;
    for (const subscriber of entry.subscribers) {
      // One that is not confirmed yet did not end: its SUBSCRIBE gets an answer of its own.
      if (!subscriber.isConfirmed) continue;
      this.#remove(subscriber);
      subscriber.feed.end(error);
    }
  }

  holds(request: number): boolean {
    return this.#byRequest.has(request);
  }

  ended(error: RingmqError | undefined): void {
    const entries = [...this.#byChannel.values()];
    this.#byChannel.clear();
    this.#byRequest.clear();
    for (const { subscribers } of entries) for (const { feed } of subscribers) feed.end(error);
  }

  #confirmed(subscriber: Subscriber): void {
    subscriber.isConfirmed = true;
    const { channel } = subscriber.feed;
    const entry = this.#byChannel.get(channel);
    if (entry === undefined) return;
    this.#byRequest.delete(entry.request);
    entry.request = subscriber.request;
    this.#byRequest.set(subscriber.request, channel);
  }

  async #leave(subscriber: Subscriber): Promise<void> {
    if (this.#remove(subscriber)) {
      const pending = new CountRequest();
      try {
        this.#connection.control(Op.UNSUBSCRIBE, requestHead([subscriber.feed.channel]), pending);
        await pending.promise;
      } catch (error) {
        // The broker has ended it already, or the connection has ended: nothing more will come.
        if (!(error instanceof RingmqError)) throw error;
      }
    }
    subscriber.feed.end(undefined);
  }

  /** Returns whether it was the last one of its channel. */
  #remove(subscriber: Subscriber): boolean {
    const { channel } = subscriber.feed;
    const entry = this.#byChannel.get(channel);
    if (entry?.subscribers.delete(subscriber) !== true || entry.subscribers.size > 0) return false;
    this.#byChannel.delete(channel);
    this.#byRequest.delete(entry.request);
    return true;
  }

  #channel(bytes: Uint8Array, start: number, end: number): string {
    const last = this.#lastHead;
    let same = last.length === end - start;
    for (let i = 0; same && i < last.length; i++) same = last[i] === bytes[start + i];
    if (same && last.length > 0) return this.#lastChannel;
    const [channel] = unpackHead(bytes, start, end);
    if (typeof channel !== "string") throw new ProtocolError("BAD_FRAME", "the messages of a channel without a name");
    // Not `slice`, which does not copy if this is a Buffer and would keep the whole chunk in memory.
    this.#lastHead = new Uint8Array(bytes.subarray(start, end));
    this.#lastChannel = channel;
    return channel;
  }
}
