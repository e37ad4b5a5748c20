/**
 * The subscriptions of a connection. A connection subscribes to a channel once. A program may do so several times from now
 * on: each of these gets every message. A subscription that begins elsewhere, or has a credit, has its channel alone.
 */
import { countEntries, SIZE_MASK } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import type { SubscribeOptions } from "../arguments/options.js";
import { RequestChecks } from "../arguments/request-checks.js";
import { backoff } from "../base/backoff.js";
import { unobserved } from "../base/deferred.js";
import { localError, RingmqError } from "../base/error.js";
import { mayPass } from "../base/may-pass.js";
import type { Timer } from "../base/timer.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest, Patience } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import type { ChannelSink } from "../connection/sinks.js";
import { ArrivalReader } from "./arrival-reader.js";
import { FollowRequest } from "./follow-request.js";
import { FIRST_WAIT, Follower, MAX_WAIT } from "./follower.js";
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
  /** The only subscriber's, when it has the channel alone. */
  readonly follower: Follower | undefined;
  /** The SUBSCRIBE that was confirmed last. The broker uses its number when it ends the channel's subscription. */
  request: number;
  /** The SUBSCRIBE that was asked for last. */
  asked: number;
  /** What positions count in, if the broker has told. */
  epoch: string | undefined;
  /** Until it is asked for again. */
  timer: Timer | undefined;
}

/** Calls back while its CONFIRM is read. What awaits the promise runs only after the frames that follow it. */
class SubscribeRequest extends CountRequest {
  override isRepeatable = true;
  readonly #onConfirmed: () => void;

  constructor(onConfirmed: () => void) {
    super();
    this.#onConfirmed = onConfirmed;
  }

  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }

  override confirmed(high: number, low: number, messages: number): void {
    this.#onConfirmed();
    super.confirmed(high, low, messages);
  }
}

/** Whether a subscription shares nothing with another one: it says where it begins, or its policy is about its reader. */
const isAlone = ({ from, recover, credit, overflow = "drop-oldest" }: SubscribeOptions): boolean =>
  from !== undefined ||
  recover !== undefined ||
  credit !== undefined ||
  (overflow !== "drop-oldest" && overflow !== "disconnect");

export class Subscriptions implements ChannelSink {
  readonly #connection: Connection;
  readonly #checks: RequestChecks;
  readonly #assertTaking: () => void;
  readonly #byChannel = new Map<string, ChannelEntry>();
  /** The channel of each entry's `request`. */
  readonly #byRequest = new Map<number, string>();
  readonly #arrivals = new ArrivalReader();

  /** `assertTaking` throws when nothing that brings messages may be begun any more. */
  constructor(connection: Connection, assertTaking: () => void) {
    this.#connection = connection;
    this.#checks = new RequestChecks(connection.info.limits.maxNameBytes);
    this.#assertTaking = assertTaking;
  }

  /** The subscriptions that have not ended. */
  get all(): Subscription[] {
    return [...this.#byChannel.values()].flatMap(({ subscribers }) =>
      [...subscribers].map(({ subscription }) => subscription),
    );
  }

  async subscribe(channel: string, given: SubscribeOptions): Promise<Subscription> {
    const options = this.#checks.subscribe(channel, given);
    this.#assertTaking();
    const entry = this.#byChannel.get(channel);
    if (isAlone(options)) {
      if (entry !== undefined) throw taken(channel);
      return this.#follow(channel, options);
    }
    if (entry?.follower !== undefined) throw taken(channel);
    return this.#share(channel, options, entry);
  }

  messages(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void {
    const count = countEntries(view, start, end, SIZE_MASK, Number.POSITIVE_INFINITY);
    if (count <= 0) throw new ProtocolError("BAD_FRAME", "the messages of a channel are not entries");
    const arrival = this.#arrivals.read(bytes, view, head, start);
    const entry = this.#byChannel.get(arrival.channel);
    if (entry === undefined) return;
    if (entry.follower !== undefined) return entry.follower.messages(arrival, start, end, count);
    // They are of a subscription that the program has left.
    if (entry.request === NO_REQUEST) return;
    for (const subscriber of entry.subscribers) {
      subscriber.feed.push(arrival, start, end, count);
      if (subscriber.feed.isOver) unobserved(this.#leave(subscriber, undefined));
    }
  }

  dropped(channel: string, count: number): void {
    const entry = this.#byChannel.get(channel);
    if (entry === undefined) return;
    if (entry.follower !== undefined) entry.follower.lose(count);
    else if (entry.request !== NO_REQUEST) for (const { feed } of entry.subscribers) feed.lose(count);
  }

  closed(request: number, error: RingmqError): void {
    const channel = this.#byRequest.get(request);
    // Unknown when the program has just left it.
    const entry = channel === undefined ? undefined : this.#byChannel.get(channel);
    if (entry === undefined) return;
    this.#byRequest.delete(request);
    entry.request = NO_REQUEST;
    if (entry.follower !== undefined) return entry.follower.closed(error);
    if (this.#goesOn(error)) return this.#shareAgain(entry, 0);
    for (const subscriber of entry.subscribers) {
      // One that is not confirmed yet did not end: its SUBSCRIBE gets an answer of its own.
      if (!subscriber.isConfirmed) continue;
      this.#remove(subscriber);
      subscriber.feed.end(error);
    }
  }

  lost(reason: RingmqError): void {
    this.#byRequest.clear();
    for (const entry of [...this.#byChannel.values()]) {
      if (reason.code === "SLOW_SUBSCRIBER" && this.#endSlow(entry, reason)) continue;
      const wasConfirmed = entry.request !== NO_REQUEST;
      entry.request = NO_REQUEST;
      if (entry.follower !== undefined) entry.follower.lost();
      else if (wasConfirmed) this.#shareAgain(entry, 0);
    }
  }

  holds(request: number): boolean {
    return this.#byRequest.has(request);
  }

  ended(error: RingmqError | undefined): void {
    const entries = [...this.#byChannel.values()];
    this.#byChannel.clear();
    this.#byRequest.clear();
    for (const { subscribers, follower, timer } of entries) {
      timer?.cancel();
      follower?.stop(error);
      for (const { feed } of subscribers) feed.end(error);
    }
  }

  async #follow(channel: string, options: SubscribeOptions): Promise<Subscription> {
    const follower = new Follower(this.#connection, channel, options, {
      begun: (request) => this.#confirmed(subscriber, request),
      refused: () => void this.#remove(subscriber),
    });
    const { feed } = follower;
    const subscription = new Subscription(feed, (reason) => this.#leave(subscriber, reason), follower);
    const subscriber: Subscriber = { feed, subscription, request: NO_REQUEST, isConfirmed: false };
    const asked = follower.subscribe();
    this.#byChannel.set(channel, newEntry(subscriber, follower));
    return this.#begin(subscriber, asked);
  }

  async #share(channel: string, options: SubscribeOptions, entry: ChannelEntry | undefined): Promise<Subscription> {
    const feed = new SubscriptionFeed(channel, options);
    const subscription = new Subscription(feed, (reason) => this.#leave(subscriber, reason));
    const subscriber: Subscriber = { feed, subscription, request: NO_REQUEST, isConfirmed: false };
    const pending = new SubscribeRequest(() => this.#confirmed(subscriber, subscriber.request));
    // With several subscriptions the broker applies the policy of the latest SUBSCRIBE.
    subscriber.request = this.#connection.request(Op.SUBSCRIBE, requestHead([channel, options.overflow]), pending);
    const shared = entry ?? newEntry(subscriber);
    shared.subscribers.add(subscriber);
    shared.asked = subscriber.request;
    this.#byChannel.set(channel, shared);
    return this.#begin(subscriber, pending.promise);
  }

  async #begin(subscriber: Subscriber, asked: Promise<unknown>): Promise<Subscription> {
    try {
      await asked;
    } catch (error) {
      this.#remove(subscriber);
      throw error;
    }
    return subscriber.subscription;
  }

  #confirmed(subscriber: Subscriber, request: number): void {
    subscriber.isConfirmed = true;
    const { channel } = subscriber.feed;
    const entry = this.#byChannel.get(channel);
    // The program has left it meanwhile.
    if (entry?.subscribers.has(subscriber) === true) this.#numbered(entry, channel, request);
  }

  #numbered(entry: ChannelEntry, channel: string, request: number): void {
    this.#byRequest.delete(entry.request);
    entry.request = request;
    this.#byRequest.set(request, channel);
  }

  /** Whether subscriptions are begun again that the broker has ended, or refuses. */
  #goesOn(error: RingmqError): boolean {
    const { revival, hasEnded } = this.#connection;
    return revival !== undefined && !hasEnded && mayPass(error);
  }

  /** Subscribes again to a channel that was shared, behind what has come of it. */
  #shareAgain(entry: ChannelEntry, attempt: number): void {
    const [first] = entry.subscribers;
    if (first === undefined) return;
    const { channel, overflow } = first.feed;
    const next = Math.max(...[...entry.subscribers].map(({ feed }) => feed.next?.position ?? -1));
    const { epoch } = entry;
    const from = next < 0 ? { from: "now" } : { position: next, ...(epoch !== undefined && { epoch }) };
    const pending = new FollowRequest((begun) => {
      // The program may have left it meanwhile.
      if (this.#byChannel.get(channel) !== entry) return;
      this.#numbered(entry, channel, entry.asked);
      entry.epoch = begun.epoch;
      for (const subscriber of entry.subscribers) {
        subscriber.isConfirmed = true;
        subscriber.feed.goOn(begun, next);
      }
    });
    const asked = async (): Promise<unknown> => {
      entry.asked = this.#connection.reinstate(Op.SUBSCRIBE, requestHead([channel, overflow, from]), pending);
      return pending.promise;
    };
    unobserved(
      asked().catch((thrown: unknown) => {
        const error = asBadArgument(thrown);
        if (this.#byChannel.get(channel) !== entry) return;
        if (this.#connection.isLoss(error)) this.#shareAgain(entry, 0);
        else if (!this.#goesOn(error)) this.#endShared(entry, error);
        else {
          const { clock } = this.#connection;
          const again = (): void => this.#shareAgain(entry, attempt + 1);
          entry.timer = clock.startTimer(backoff(attempt, FIRST_WAIT, MAX_WAIT), again);
        }
      }),
    );
  }

  /** The connection has ended because a subscription was too slow that asked for it. Returns whether nobody is left. */
  #endSlow({ subscribers }: ChannelEntry, reason: RingmqError): boolean {
    for (const subscriber of subscribers) {
      if (subscriber.feed.overflow !== "disconnect") continue;
      this.#remove(subscriber);
      subscriber.feed.end(reason);
    }
    return subscribers.size === 0;
  }

  #endShared({ subscribers }: ChannelEntry, error: RingmqError): void {
    for (const subscriber of subscribers) {
      this.#remove(subscriber);
      subscriber.feed.end(error);
    }
  }

  async #leave(subscriber: Subscriber, reason: RingmqError | undefined): Promise<void> {
    const entry = this.#byChannel.get(subscriber.feed.channel);
    if (this.#remove(subscriber) && entry !== undefined && !this.#withdraw(entry)) {
      const pending = new CountRequest();
      try {
        this.#connection.control(Op.UNSUBSCRIBE, requestHead([subscriber.feed.channel]), pending);
        await pending.promise;
      } catch (error) {
        // The broker has ended it already, or the connection has ended: nothing more will come.
        if (!(error instanceof RingmqError)) throw error;
      }
    }
    subscriber.feed.end(reason);
  }

  /** Whether the broker need not be told that a channel is left, because it has not heard of it. */
  #withdraw({ follower, timer, asked }: ChannelEntry): boolean {
    timer?.cancel();
    if (follower !== undefined) return follower.withdraw();
    return this.#connection.withdraw(asked, localError("CLIENT_CLOSED", "the subscription was stopped"));
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
}

const newEntry = (subscriber: Subscriber, follower?: Follower): ChannelEntry => ({
  subscribers: new Set([subscriber]),
  follower,
  request: NO_REQUEST,
  asked: NO_REQUEST,
  epoch: undefined,
  timer: undefined,
});

const taken = (channel: string): RingmqError =>
  localError(
    "BAD_ARGUMENT",
    `this client is subscribed to ${channel}: stop that subscription first, or use another client. Only subscriptions ` +
      "without from, recover, credit, and with overflow drop-oldest or disconnect, can share a channel",
  );
