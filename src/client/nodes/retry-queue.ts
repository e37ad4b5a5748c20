/**
 * Publishes that no node has taken so far. Each is tried again on another node, until one takes it or its time is over.
 */

import { backoff } from "../base/backoff.js";
import { type Deferred, deferred } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { startTimer, type Timer } from "../base/timer.js";
import type { Client } from "../client.js";
import type { PendingBytes } from "../connection/pending-bytes.js";
import { isForAnotherNode, noNode } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";

/** Before a message is tried for a second time on the same nodes. Milliseconds. */
const FIRST_WAIT = 20;
const MAX_WAIT = 1000;

/** How often to look what is due: while there are nodes, and while there is none. Milliseconds. */
const TICK = 20;
const IDLE_TICK = 250;

/** Sends it to a node. Rejects when the node has not taken it. */
export type Send<T> = (client: Client) => Promise<T>;

interface Waiting {
  readonly send: Send<void>;
  readonly giveUp: (error: Error) => void;
  /** Bytes that it counts for while it waits. */
  readonly cost: number;
  /** Milliseconds of a clock that does not step. */
  readonly deadline: number;
  /** When to try it next, by the same clock. */
  due: number;
  /** How often it has failed. */
  failures: number;
  /** The node that it failed on last, and why. */
  link: NodeLink | undefined;
  error: Error;
}

/** A node to try, not the avoided one if there is another; undefined when none is connected. */
export type PickOther = (avoided: NodeLink | undefined) => NodeLink | undefined;

export class RetryQueue {
  readonly #pick: PickOther;
  readonly #pendingBytes: PendingBytes;
  readonly #timeout: number;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #isClosed = false;
  /** Messages that no node has taken and that were not given up: those that are being sent as well. */
  #open = 0;
  #idle: Deferred<void> | undefined;

  /** `timeout`: milliseconds, or Infinity. */
  constructor(pick: PickOther, pendingBytes: PendingBytes, timeout: number) {
    this.#pick = pick;
    this.#pendingBytes = pendingBytes;
    this.#timeout = timeout;
  }

  /** Messages that wait to be tried again. */
  get size(): number {
    return this.#waiting.length;
  }

  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** Resolves when everything has been taken, or given up. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }

  /** Takes what failed on a node. Resolves when a node has taken it. */
  retry<T>(send: Send<T>, cost: number, link: NodeLink, error: RingmqError): Promise<T> {
    if (this.#isClosed) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      this.#failed(
        this.#entry((client) => send(client).then(resolve), reject, cost, error),
        link,
        error,
      );
    });
  }

  /** Takes what there is no node for. Throws CLIENT_BUSY. */
  wait<T>(send: Send<T>, cost: number): Promise<T> {
    this.#pendingBytes.reserve(cost);
    return new Promise((resolve, reject) => {
      this.#push(this.#entry((client) => send(client).then(resolve), reject, cost, noNode()));
    });
  }

  /** Tries what is due. To be called when a node was connected as well. */
  flush(): void {
    const now = performance.now();
    const all = this.#waiting;
    this.#waiting = [];
    for (const entry of all) {
      if (now >= entry.deadline) this.#giveUp(entry, entry.error);
      else if (now < entry.due) this.#push(entry);
      else this.#tryNow(entry, this.#pick(entry.link));
    }
  }

  /** Nothing is tried any more: what waits rejects. */
  close(error: RingmqError): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    const all = this.#waiting;
    this.#waiting = [];
    for (const entry of all) this.#giveUp(entry, error);
  }

  #entry(send: Send<void>, giveUp: (error: Error) => void, cost: number, error: RingmqError): Waiting {
    const now = performance.now();
    this.#open++;
    return { send, giveUp, cost, deadline: now + this.#timeout, due: now, failures: 0, link: undefined, error };
  }

  /** A node has not taken it. At once to another node, the first time; later, and where there is none, after a while. */
  #failed(entry: Waiting, link: NodeLink, error: Error): void {
    entry.link = link;
    entry.error = error;
    this.#pendingBytes.hold(entry.cost);
    const now = performance.now();
    if (this.#isClosed || now >= entry.deadline) {
      this.#giveUp(entry, error);
      return;
    }
    const other = this.#pick(link);
    if (entry.failures === 0 && other !== link) {
      entry.failures++;
      this.#tryNow(entry, other);
      return;
    }
    entry.due = now + backoff(entry.failures, FIRST_WAIT, MAX_WAIT);
    entry.failures++;
    this.#push(entry);
  }

  #tryNow(entry: Waiting, link: NodeLink | undefined): void {
    const client = link?.client;
    if (link === undefined || client === undefined) {
      this.#push(entry);
      return;
    }
    // From here on the connection counts it.
    this.#pendingBytes.release(entry.cost);
    entry.send(client).then(this.#ended, (error: RingmqError) => {
      if (error.code === "CLIENT_BUSY" || isForAnotherNode(error)) return this.#failed(entry, link, error);
      this.#ended();
      entry.giveUp(error);
    });
  }

  readonly #ended = (): void => {
    this.#open--;
    if (this.#open > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  };

  #giveUp({ cost, giveUp }: Waiting, error: Error): void {
    this.#pendingBytes.release(cost);
    this.#ended();
    giveUp(error);
  }

  #push(entry: Waiting): void {
    this.#waiting.push(entry);
    this.#timer ??= startTimer(this.#pick(undefined) === undefined ? IDLE_TICK : TICK, () => {
      this.#timer = undefined;
      this.flush();
    });
  }
}
