/**
 * The subscriptions of a connection. The broker knows one for each channel; here a channel may have several, which see
 * the same messages.
 */
import { countEntries, SIZE_MASK } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { unpackHead } from "../../protocol/head.js";
import { Op } from "../../protocol/op.js";
import type { SubscribeOptions } from "../arguments/options.js";
import { unobserved } from "../base/deferred.js";
import { RingmqError } from "../base/error.js";
import type { ChannelSink } from "../connection/answers.js";
import type { Connection } from "../connection/connection.js";
import { CountExchange } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { Subscription } from "./subscription.js";
import { SubscriptionFeed } from "./subscription-feed.js";

/** No request has this number. */
const NONE = 0;

/** One subscription of this program. */
interface Member {
  readonly feed: SubscriptionFeed;
  readonly subscription: Subscription;
  /** The number of its SUBSCRIBE. */
  request: number;
  isConfirmed: boolean;
}

/** What there is of one channel here. */
interface Place {
  readonly members: Set<Member>;
  /** The SUBSCRIBE that was confirmed last: by its number the broker says that the channel's subscription has ended. */
  request: number;
}

/** Tells of its confirmation while the frame is read: what waits for the promise comes after the frames behind it. */
class SubscribeExchange extends CountExchange {
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
  readonly #byChannel = new Map<string, Place>();
  /** The channel of each place's `request`. */
  readonly #byRequest = new Map<number, string>();
  /** The head of the last frame and the channel in it: most frames in a row are of one channel. */
  #lastHead = new Uint8Array(0);
  #lastChannel = "";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Those that have not ended. */
  get all(): Subscription[] {
    return [...this.#byChannel.values()].flatMap(({ members }) => [...members].map(({ subscription }) => subscription));
  }

  async subscribe(channel: string, options: SubscribeOptions): Promise<Subscription> {
    const feed = new SubscriptionFeed(channel, options);
    const subscription = new Subscription(feed, () => this.#leave(member));
    const member: Member = { feed, subscription, request: NONE, isConfirmed: false };
    const exchange = new SubscribeExchange(() => this.#confirmed(member));
    // The broker follows the policy of the latest.
    member.request = this.#connection.request(Op.SUBSCRIBE, requestHead([channel, options.overflow]), exchange);
    const place = this.#byChannel.get(channel);
    if (place === undefined) this.#byChannel.set(channel, { members: new Set([member]), request: NONE });
    else place.members.add(member);
    try {
      await exchange.promise;
    } catch (error) {
      this.#remove(member);
      throw error;
    }
    return subscription;
  }

  messages(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void {
    const count = countEntries(view, start, end, SIZE_MASK, Number.POSITIVE_INFINITY);
    if (count <= 0) throw new ProtocolError("BAD_FRAME", "the messages of a channel are not entries");
    const place = this.#byChannel.get(this.#channel(bytes, head, start));
    if (place === undefined) return;
    const arrival = { bytes, view };
    for (const member of place.members) {
      member.feed.push(arrival, start, end, count);
      if (member.feed.isOver) unobserved(this.#leave(member));
    }
  }

  lost(channel: string, count: number): void {
    for (const { feed } of this.#byChannel.get(channel)?.members ?? []) feed.lose(count);
  }

  closed(request: number, error: RingmqError): void {
    const channel = this.#byRequest.get(request);
    // Nothing is known of one that was left in the same moment.
    const place = channel === undefined ? undefined : this.#byChannel.get(channel);
    if (place === undefined) return;
    this.#byRequest.delete(request);
    place.request = NONE;
    for (const member of place.members) {
      // One that is not confirmed yet is not what has ended: it gets an answer of its own.
      if (!member.isConfirmed) continue;
      this.#remove(member);
      member.feed.end(error);
    }
  }

  holds(request: number): boolean {
    return this.#byRequest.has(request);
  }

  ended(error: RingmqError | undefined): void {
    const places = [...this.#byChannel.values()];
    this.#byChannel.clear();
    this.#byRequest.clear();
    for (const { members } of places) for (const { feed } of members) feed.end(error);
  }

  #confirmed(member: Member): void {
    member.isConfirmed = true;
    const { channel } = member.feed;
    const place = this.#byChannel.get(channel);
    if (place === undefined) return;
    this.#byRequest.delete(place.request);
    place.request = member.request;
    this.#byRequest.set(member.request, channel);
  }

  async #leave(member: Member): Promise<void> {
    if (this.#remove(member)) {
      const exchange = new CountExchange();
      try {
        this.#connection.control(Op.UNSUBSCRIBE, requestHead([member.feed.channel]), exchange);
        await exchange.promise;
      } catch (error) {
        // The broker has forgotten it before, or the connection is gone: nothing more will come.
        if (!(error instanceof RingmqError)) throw error;
      }
    }
    member.feed.end(undefined);
  }

  /** Answers whether it was the last of its channel. */
  #remove(member: Member): boolean {
    const { channel } = member.feed;
    const place = this.#byChannel.get(channel);
    if (place?.members.delete(member) !== true || place.members.size > 0) return false;
    this.#byChannel.delete(channel);
    this.#byRequest.delete(place.request);
    return true;
  }

  #channel(bytes: Uint8Array, start: number, end: number): string {
    const last = this.#lastHead;
    let same = last.length === end - start;
    for (let i = 0; same && i < last.length; i++) same = last[i] === bytes[start + i];
    if (same && last.length > 0) return this.#lastChannel;
    const [channel] = unpackHead(bytes, start, end);
    if (typeof channel !== "string") throw new ProtocolError("BAD_FRAME", "the messages of a channel without a name");
    // Not `slice`: that of a Buffer is no copy, and would keep all that came with it.
    this.#lastHead = new Uint8Array(bytes.subarray(start, end));
    this.#lastChannel = channel;
    return channel;
  }
}
