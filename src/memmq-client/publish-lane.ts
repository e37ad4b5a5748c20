/**
 * Publishes to one server in order, with tries again.
 *
 * ```
 *   unsent ── window ──▶ sent ── taken ──▶ resolved
 *     ▲                   ├── refused for good, or out of tries ──▶ rejected
 *     └── connection lost, or refused for now: after a pause ┘
 * ```
 *
 * When a connection is lost, what was not answered is sent again in its order; it may arrive twice. A publish that a server
 * refuses for now is sent again before everything unsent, but those that were on their way with it may be before it.
 */

import { backoff } from "../client/base/backoff.js";
import { localError, type RingmqError } from "../client/base/error.js";
import { Fifo } from "../collections/fifo.js";
import { NoAnswer } from "./failure.js";
import type { Carrier, Link, Outgoing } from "./link.js";

/** Before the second try, and at most. Milliseconds. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2_000;

interface Entry {
  readonly publish: Outgoing;
  /** That have failed. */
  tries: number;
  readonly done: (error: RingmqError | undefined) => void;
}

export class PublishLane {
  readonly #link: Link;
  readonly #retries: number;
  readonly #idle: () => void;
  readonly #unsent = new Fifo<Entry>();
  readonly #sent = new Fifo<Entry>();
  #sentBytes = 0;
  #carrier: Carrier | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #isSending = false;

  /** `idle`: it has nothing to publish any more. */
  constructor(link: Link, retries: number, idle: () => void) {
    this.#link = link;
    this.#retries = retries;
    this.#idle = idle;
  }

  get isIdle(): boolean {
    return this.#sent.length === 0 && this.#unsent.length === 0;
  }

  /** `done` is called once, later: undefined when the server has taken it. */
  publish(publish: Outgoing, done: Entry["done"]): void {
    this.#unsent.push({ publish, tries: 0, done });
    this.#send();
  }

  /** Rejects what is not answered. */
  close(error: RingmqError): void {
    clearTimeout(this.#pause);
    this.#carrier?.close();
    this.#carrier = undefined;
    for (const { done } of this.#takeAll()) done(error);
  }

  #send(): void {
    // Of a connection that is lost, and of answers that come, while it sends.
    if (this.#isSending || this.#pause !== undefined) return;
    this.#isSending = true;
    const { publishes, bytes } = this.#link.window;
    while (this.#pause === undefined && this.#sent.length < publishes) {
      const next = this.#unsent.at(0);
      if (next === undefined) break;
      const size = next.publish.payload.length;
      if (this.#sent.length > 0 && this.#sentBytes + size > bytes) break;
      this.#unsent.shift();
      this.#sent.push(next);
      this.#sentBytes += size;
      this.#carrier ??= this.#open();
      this.#carrier.send(next.publish);
    }
    this.#isSending = false;
  }

  #open(): Carrier {
    return this.#link.carrier({
      answered: (refusal) => this.#answered(refusal),
      lost: (error, wasUseful) => this.#lost(error, wasUseful),
    });
  }

  #answered(refusal: RingmqError | undefined): void {
    const entry = this.#sent.shift();
    if (entry === undefined) return;
    this.#sentBytes -= entry.publish.payload.length;
    if (refusal !== undefined && isAway(refusal)) {
      this.#unsendFirst(entry);
      return this.#lost(refusal, false);
    }
    if (refusal?.retryable === true && entry.tries < this.#retries) {
      entry.tries++;
      this.#unsendFirst(entry);
      this.#waitFor(FIRST_PAUSE * 2 ** entry.tries);
      return;
    }
    entry.done(refusal);
    this.#send();
    if (this.isIdle) this.#idle();
  }

  #unsendFirst(entry: Entry): void {
    const others = this.#unsent.takeAll();
    this.#unsent.push(entry);
    for (const each of others) this.#unsent.push(each);
  }

  #lost(error: RingmqError, wasUseful: boolean): void {
    this.#carrier?.close();
    this.#carrier = undefined;
    const sent = this.#sent.length;
    const entries = this.#takeAll();
    const givenUp: Entry[] = [];
    // All that waited for a server that is not there, or says nothing, have tried it together: one after another they would
    // wait for ever.
    const failed = isAway(error) ? entries.length : sent;
    for (const [i, entry] of entries.entries()) {
      // A connection that has worked may end at any time, and the server is there: that is no try that has failed.
      if (i < failed && !wasUseful) entry.tries++;
      if (entry.tries > this.#retries) givenUp.push(entry);
      else this.#unsent.push(entry);
    }
    // By the tries of the publish, not of the lane: a server that is long down must not make each publish slower.
    const next = this.#unsent.at(0);
    if (next !== undefined) this.#waitFor(wasUseful ? 0 : FIRST_PAUSE * 2 ** Math.min(next.tries, 10));
    for (const { done } of givenUp) done(error);
    if (this.isIdle) this.#idle();
  }

  #waitFor(most: number): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(
      () => {
        this.#pause = undefined;
        this.#send();
      },
      most === 0 ? 0 : backoff(0, most, LONGEST_PAUSE),
    );
  }

  #takeAll(): Entry[] {
    this.#sentBytes = 0;
    return [...this.#sent.takeAll(), ...this.#unsent.takeAll()];
  }
}

const isAway = (error: RingmqError): boolean => error.code === "CONNECT_FAILED" || error instanceof NoAnswer;

export const clientClosed = (): RingmqError => localError("CLIENT_CLOSED", "the client is closed");
