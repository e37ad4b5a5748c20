/**
 * A connection's only subscription to a channel, which begins where the program says. It is sent no more than its program
 * reads, and goes on where it was when the shard of its channel has been restarted.
 */
import { Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import type { Resumption, SubscribeOptions } from "../arguments/options.js";
import { backoff } from "../base/backoff.js";
import { unobserved } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import { mayPass } from "../base/may-pass.js";
import type { Timer } from "../base/timer.js";
import type { Connection } from "../connection/connection.js";
import { requestHead } from "../connection/request-head.js";
import type { ChannelArrival } from "./channel-message.js";
import { CreditWindow } from "./credit-window.js";
import { type Begun, FollowRequest } from "./follow-request.js";
import { SubscriptionFeed } from "./subscription-feed.js";

/** Before a channel is asked for again. Milliseconds. */
export const FIRST_WAIT = 20;
export const MAX_WAIT = 1000;

export interface FollowerEvents {
  /** The SUBSCRIBE with this number was confirmed. */
  begun(request: number): void;
  /** It has ended: the broker does not take it back. */
  refused(): void;
}

export class Follower {
  readonly feed: SubscriptionFeed;
  kept: boolean | undefined;
  recovered: boolean | undefined;
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #options: SubscribeOptions;
  readonly #window: CreditWindow;
  readonly #events: FollowerEvents;
  /** Messages that come are this subscription's, not those of one before it. */
  #hasBegun = false;
  /** The number of the last SUBSCRIBE, which is being answered or waits for a connection as long as it is asked for. */
  #request = 0;
  #isAsking = false;
  /** A SUBSCRIBE is on its way, or was confirmed: the broker takes its credit. */
  #isOpen = false;
  /** The epoch, as every arrival has it. */
  #epoch = "";
  #timer: Timer | undefined;

  constructor(connection: Connection, channel: string, options: SubscribeOptions, events: FollowerEvents) {
    this.#connection = connection;
    this.#channel = channel;
    this.#options = options;
    this.#events = events;
    this.#window = new CreditWindow(options.credit ?? "auto");
    this.feed = new SubscriptionFeed(channel, options, (bytes) => this.#giveCredit(bytes));
  }

  /** Subscribes, from where the program says or from where it was. Rejects when the broker refuses. */
  async subscribe(): Promise<void> {
    this.#isAsking = true;
    try {
      for (;;) {
        try {
          return await this.#ask();
        } catch (error) {
          this.#isOpen = false;
          if (!this.#connection.isLoss(error) || this.feed.isOver) throw error;
        }
      }
    } finally {
      this.#isAsking = false;
    }
  }

  /** The program has left it. Whether the broker need not be told, because it has not heard of it. */
  withdraw(): boolean {
    return this.#connection.withdraw(this.#request, localError("CLIENT_CLOSED", "the subscription was stopped"));
  }

  /** The connection was lost. */
  lost(): void {
    this.#hasBegun = false;
    this.#isOpen = false;
    // The next connection is asked at once, and only once.
    this.#timer?.cancel();
    if (!this.#isAsking) this.#resume(0);
  }

  messages(arrival: ChannelArrival, start: number, end: number, count: number): void {
    if (this.#hasBegun) this.feed.push({ ...arrival, epoch: this.#epoch }, start, end, count);
  }

  lose(count: number): void {
    if (this.#hasBegun) this.feed.lose(count);
  }

  /** The broker has ended the subscription. */
  closed(error: RingmqError): void {
    this.#hasBegun = false;
    this.#isOpen = false;
    if (this.#goesOn(error)) this.#resume(0);
    else this.#end(error);
  }

  /** Nothing more comes. */
  stop(error: RingmqError | undefined): void {
    this.#timer?.cancel();
    this.feed.end(error);
  }

  async #ask(): Promise<void> {
    const { next } = this.feed;
    const { overflow, recover } = this.#options;
    const from = next ?? startOf(this.#options);
    const pending = new FollowRequest((begun) => {
      this.#events.begun(request);
      this.#begin(begun, next !== undefined);
    });
    const options = { ...from, ...(recover === true && { recover }), credit: this.#window.begin(this.feed.size) };
    const head = requestHead([this.#channel, overflow, options]);
    // A subscription that goes on is not refused for what else is on its way.
    const request =
      next === undefined
        ? this.#connection.request(Op.SUBSCRIBE, head, pending)
        : this.#connection.reinstate(Op.SUBSCRIBE, head, pending);
    this.#request = request;
    this.#isOpen = true;
    await pending.promise;
  }

  #begin({ epoch, position, kept, recovered, lost }: Begun, isResumed: boolean): void {
    this.#hasBegun = true;
    this.#epoch = epoch;
    this.kept = kept;
    this.recovered = recovered;
    this.feed.begin(epoch, position);
    this.feed.lose(lost ?? 0);
    if (!isResumed) return;
    const resumption: Resumption = { epoch, position, recovered: recovered === true, lost: recovered ? 0 : lost };
    this.feed.resumed(resumption);
  }

  #resume(attempt: number): void {
    if (this.feed.isOver) return;
    unobserved(
      this.subscribe().catch((thrown: unknown) => {
        const error = asBadArgument(thrown);
        // The end of the connection ends the feed as well.
        if (this.feed.isOver) return;
        if (!this.#goesOn(error)) return this.#end(error);
        this.#timer = this.#connection.clock.startTimer(backoff(attempt, FIRST_WAIT, MAX_WAIT), () =>
          this.#resume(attempt + 1),
        );
      }),
    );
  }

  #goesOn(error: RingmqError): boolean {
    return error.retryable || (this.#connection.revival !== undefined && mayPass(error));
  }

  #end(error: RingmqError): void {
    this.feed.end(error);
    this.#events.refused();
  }

  #giveCredit(bytes: number): void {
    const credit = this.#window.read(bytes);
    if (credit === 0 || !this.#isOpen || this.feed.isOver) return;
    this.#connection.notify(Op.CHANNEL_CREDIT, requestHead([this.#channel, credit]));
  }
}

/** The options of SUBSCRIBE that say where it begins. */
const startOf = ({ from = "now" }: SubscribeOptions): object => {
  if (from instanceof Date) return { from: from.getTime() };
  if (typeof from === "string") return { from };
  const { position, epoch } = from;
  return epoch === undefined ? { position } : { position, epoch };
};
