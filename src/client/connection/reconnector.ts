/**
 * Makes a connection again when it was lost: to the same broker first, then to the next one of its list, and so on, with longer
 * and longer waits in between.
 */
import { Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { backoff } from "../base/backoff.js";
import { type Deferred, deferred, unobserved } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import type { EventHub } from "../base/event-hub.js";
import type { Timer } from "../base/timer.js";
import type { Connection } from "./connection.js";
import { keepAlive } from "./keep-alive.js";
import { ResultRequest } from "./pending-request.js";
import { requestHead } from "./request-head.js";
import { sendAgain } from "./resending.js";
import type { Revival } from "./revival.js";
import type { ConnectionStatus } from "./status.js";
import type { Accept } from "./transport-listener.js";

export interface ReconnectPolicy {
  /** Milliseconds; see `ReconnectOptions`. */
  readonly minDelay: number;
  readonly maxDelay: number;
  readonly timeout: number;
}

export interface ReconnectorOptions extends ReconnectPolicy {
  readonly urls: readonly string[];
  /** Which of them it is connected to. */
  readonly at: number;
  readonly pingInterval: number;
  /** Gets a transport for the connection to accept. Rejects when it cannot be had. */
  readonly reach: (url: string, signal: AbortSignal, accept: Accept) => Promise<unknown>;
  readonly statuses: EventHub<ConnectionStatus>;
  /** Whether no broker will come any more; undefined: nobody knows. */
  readonly isOver?: (() => boolean) | undefined;
}

export class Reconnector implements Revival {
  readonly #connection: Connection;
  readonly #options: ReconnectorOptions;
  readonly #closing = new AbortController();
  #at: number;
  /** Attempts since a broker has answered. */
  #attempt = 0;
  #isRunning = false;
  /** When the connection was lost, by its clock. */
  #lostAt = 0;
  /** While it waits before an attempt. */
  #due: Deferred<void> | undefined;
  #pings: Timer | undefined;

  constructor(connection: Connection, options: ReconnectorOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#at = options.at;
    this.#watch();
  }

  lost(reason: RingmqError): void {
    this.#pings?.cancel();
    this.#tell({ type: "disconnected", error: reason });
    // One that takes connections and answers nothing is as good as none.
    if (this.#attempt > 0) this.#next();
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#lostAt = this.#connection.clock.now();
    unobserved(this.#run(reason));
  }

  stop(): void {
    this.#pings?.cancel();
    this.#closing.abort();
    this.#due?.resolve();
  }

  async #run(reason: RingmqError): Promise<void> {
    const { urls, minDelay, maxDelay, timeout, reach } = this.#options;
    const { signal } = this.#closing;
    const accept: Accept = (transport, info) => this.#connection.reopen(transport, info, sendAgain);
    while (!this.#connection.hasTransport) {
      // Not while it is being lost: others are still to hear of that.
      await Promise.resolve();
      if (this.#options.isOver?.() === true) this.#connection.giveUp(reason);
      if (signal.aborted) return;
      const wait = this.#attempt === 0 ? 0 : backoff(this.#attempt - 1, minDelay, maxDelay);
      this.#attempt++;
      const url = urls[this.#at] ?? "";
      this.#tell({ type: "reconnecting", attempt: this.#attempt, url, in: wait });
      await this.#wait(wait);
      if (signal.aborted) return;
      try {
        await reach(url, signal, accept);
        // It may have been lost again at once.
        if (!this.#connection.hasTransport) continue;
        this.#tell({ type: "connected", url, info: this.#connection.info });
        this.#watch();
        this.#ping().then(() => {
          this.#attempt = 0;
        }, ignore);
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asBadArgument(thrown);
        this.#next();
        this.#tell({ type: "disconnected", error });
        if (this.#connection.clock.now() - this.#lostAt >= timeout) {
          this.#connection.giveUp(error);
          return;
        }
      }
    }
    this.#isRunning = false;
  }

  #next(): void {
    this.#at = (this.#at + 1) % this.#options.urls.length;
  }

  #tell(status: ConnectionStatus): void {
    this.#options.statuses.push(status);
  }

  /** Watches over the transport that there is. */
  #watch(): void {
    const { pingInterval } = this.#options;
    this.#pings?.cancel();
    this.#pings = keepAlive(
      pingInterval,
      () => this.#ping(),
      () =>
        this.#connection.drop(
          localError("CONNECTION_CLOSED", `the broker did not answer a ping within ${pingInterval} ms`),
        ),
    );
  }

  async #ping(): Promise<void> {
    const pending = new ResultRequest(() => {});
    this.#connection.control(Op.PING, requestHead([]), pending);
    await pending.promise;
  }

  async #wait(milliseconds: number): Promise<void> {
    if (milliseconds === 0) return;
    this.#due = deferred();
    const timer = this.#connection.clock.startTimer(milliseconds, this.#due.resolve);
    await this.#due.promise;
    timer.cancel();
  }
}

const ignore = (): void => {};
