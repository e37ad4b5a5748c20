/**
 * A subscription on one server, which goes on for as long as it is wanted: a connection that ends, or cannot be made, is
 * made again, and where the server tells positions it begins where the last one has ended.
 *
 * ```
 *   CONNECTING ── begun ──▶ SUBSCRIBED
 *       ▲  │ ended             │ ended
 *       │  ▼                   ▼
 *       └─ WAITING ◀───────────┘
 * ```
 */

import { backoff } from "../client/base/backoff.js";
import type { RingmqError } from "../client/base/error.js";
import type { Feed, FeedRequest, FeedStart, Incoming, Link } from "./link.js";

/** Before a connection is made again. Milliseconds. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;

/** What was lost on the way to a message. */
export interface Loss {
  /** As far as it is known. */
  readonly lost: number;
  /** Whether more may be lost: the connection was another one, and the server cannot tell. */
  readonly isUnknown: boolean;
}

export interface ServerSubscriptionEvents {
  subscribed(): void;
  /** It is tried again. */
  failed(error: RingmqError): void;
  message(message: Incoming, loss: Loss): void;
  /** Messages are lost; the next message says so as well. */
  lost(count: number): void;
  /** The server will never take this subscription. Nothing is called afterwards. */
  refused(error: RingmqError): void;
}

export const NO_LOSS: Loss = { lost: 0, isUnknown: false };

/** Codes that say that the same question will have the same answer. */
const FINAL = new Set(["BAD_NAME", "BAD_ARGUMENT", "BAD_HEAD", "NOT_ALLOWED", "SLOW_SUBSCRIBER"]);

export class ServerSubscription {
  readonly #link: Link;
  readonly #request: FeedRequest;
  readonly #events: ServerSubscriptionEvents;
  #feed: Feed | undefined;
  #isPaused = false;
  #isClosed = false;
  #wasSubscribed = false;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** In a row. */
  #failures = 0;
  #epoch: string | undefined;
  /** Of the next message, in the epoch. */
  #next: number | undefined;
  #loss: Loss = NO_LOSS;
  /** The last word of the server said nothing; whether it was to go on then, and what was lost before. */
  #isUntold = false;
  #wentOn = false;
  #lossBefore: Loss = NO_LOSS;

  constructor(link: Link, request: FeedRequest, events: ServerSubscriptionEvents) {
    this.#link = link;
    this.#request = request;
    this.#events = events;
  }

  start(): void {
    this.#connect();
  }

  pause(): void {
    this.#isPaused = true;
    this.#feed?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#feed?.resume();
  }

  /** Nothing is called afterwards. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    this.#feed?.close();
  }

  #connect(): void {
    this.#isUntold = false;
    const resume =
      this.#epoch === undefined || this.#next === undefined ? undefined : { epoch: this.#epoch, position: this.#next };
    // What came before the connection was lost must not come again, where the server cannot tell it from what did not.
    const from = this.#wasSubscribed ? "now" : this.#request.from;
    this.#feed = this.#link.feed(
      { ...this.#request, from, resume },
      {
        begun: (start) => this.#begun(start),
        message: (message) => this.#message(message),
        lost: (count) => this.#lost(count),
        ended: (error) => this.#ended(error),
      },
    );
    if (this.#isPaused) this.#feed.pause();
  }

  #begun({ epoch, position, recovered, lost }: FeedStart): void {
    // A server that was slow to say that it is ringmq's: what was taken for unknown is known now.
    const isLate = this.#isUntold && epoch !== undefined;
    if (isLate) this.#loss = this.#lossBefore;
    else this.#lossBefore = this.#loss;
    const goesOn = isLate ? this.#wentOn : this.#wasSubscribed;
    if (goesOn && recovered !== true) {
      if (lost !== undefined) this.#lost(lost);
      else this.#loss = { lost: this.#loss.lost, isUnknown: true };
    }
    this.#wentOn = goesOn;
    this.#isUntold = epoch === undefined;
    this.#wasSubscribed = true;
    this.#failures = 0;
    this.#epoch = epoch;
    this.#next = position;
    this.#events.subscribed();
  }

  #message(message: Incoming): void {
    const loss = this.#loss;
    this.#loss = NO_LOSS;
    if (message.position !== undefined) this.#next = message.position + 1;
    this.#events.message(message, loss);
  }

  #lost(count: number): void {
    if (count === 0) return;
    if (this.#next !== undefined) this.#next += count;
    this.#loss = { lost: this.#loss.lost + count, isUnknown: this.#loss.isUnknown };
    this.#events.lost(count);
  }

  #ended(error: RingmqError): void {
    this.#feed = undefined;
    if (this.#isClosed) return;
    if (FINAL.has(error.code)) {
      this.#isClosed = true;
      return this.#events.refused(error);
    }
    const delay = backoff(this.#failures, FIRST_PAUSE, LONGEST_PAUSE);
    this.#failures++;
    this.#pause = setTimeout(() => this.#connect(), delay);
    this.#events.failed(error);
  }
}
