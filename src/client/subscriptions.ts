/**
 * The subscriptions of a connection. The broker knows one for each channel; here a channel may have several, which see
 * the same messages.
 */
import { countEntries, SIZE_MASK } from "../protocol/entry.js";
import { ProtocolError } from "../protocol/errors.js";
import { unpackHead } from "../protocol/head.js";
import { Op } from "../protocol/op.js";
import type { ChannelSink } from "./answers.js";
import type { Connection } from "./connection.js";
import { RingmqError } from "./error.js";
import { CountExchange } from "./exchange.js";
import type { SubscribeOptions } from "./options.js";
import { requestHead } from "./request-head.js";
import { Subscription } from "./subscription.js";
import { SubscriptionFeed } from "./subscription-feed.js";

/** What there is of one channel here. */
interface Member {
  readonly feed: SubscriptionFeed;
  readonly subscription: Subscription;
}

export class Subscriptions implements ChannelSink {
  readonly #connection: Connection;
  readonly #byChannel = new Map<string, Set<Member>>();
  /** The head of the last frame and the channel in it: most frames in a row are of one channel. */
  #lastHead = new Uint8Array(0);
  #lastChannel = "";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Those that have not ended. */
  get all(): Subscription[] {
    return [...this.#byChannel.values()].flatMap((members) => [...members].map(({ subscription }) => subscription));
  }

  async subscribe(channel: string, options: SubscribeOptions): Promise<Subscription> {
    const feed = new SubscriptionFeed(channel, options);
    const member: Member = { feed, subscription: new Subscription(feed, () => this.#leave(member)) };
    const exchange = new CountExchange();
    // The broker follows the policy of the latest.
    this.#connection.request(Op.SUBSCRIBE, requestHead([channel, options.overflow]), exchange);
    const others = this.#byChannel.get(channel);
    if (others === undefined) this.#byChannel.set(channel, new Set([member]));
    else others.add(member);
    try {
      await exchange.promise;
    } catch (error) {
      this.#remove(member);
      throw error;
    }
    return member.subscription;
  }

  messages(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void {
    const count = countEntries(view, start, end, SIZE_MASK, Number.POSITIVE_INFINITY);
    if (count <= 0) throw new ProtocolError("BAD_FRAME", "the messages of a channel are not entries");
    const members = this.#byChannel.get(this.#channel(bytes, head, start));
    if (members === undefined) return;
    const arrival = { bytes, view };
    for (const member of members) {
      member.feed.push(arrival, start, end, count);
      if (member.feed.isOver) void this.#leave(member);
    }
  }

  lost(channel: string, count: number): void {
    for (const { feed } of this.#byChannel.get(channel) ?? []) feed.lose(count);
  }

  ended(error: RingmqError | undefined): void {
    const channels = [...this.#byChannel.values()];
    this.#byChannel.clear();
    for (const members of channels) for (const { feed } of members) feed.end(error);
  }

  async #leave(member: Member): Promise<void> {
    if (this.#remove(member)) {
      const exchange = new CountExchange();
      this.#connection.control(Op.UNSUBSCRIBE, requestHead([member.feed.channel]), exchange);
      try {
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
    const others = this.#byChannel.get(channel);
    if (others?.delete(member) !== true || others.size > 0) return false;
    this.#byChannel.delete(channel);
    return true;
  }

  #channel(bytes: Uint8Array, start: number, end: number): string {
    const last = this.#lastHead;
    let same = last.length === end - start;
    for (let i = 0; same && i < last.length; i++) same = last[i] === bytes[start + i];
    if (same && last.length > 0) return this.#lastChannel;
    const [channel] = unpackHead(bytes, start, end);
    if (typeof channel !== "string") throw new ProtocolError("BAD_FRAME", "the messages of a channel without a name");
    this.#lastHead = bytes.slice(start, end);
    this.#lastChannel = channel;
    return channel;
  }
}
