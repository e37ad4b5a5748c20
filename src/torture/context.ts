/** What the actors of a torture run share: the current broker, if there is one, the ledger, the rate. */
import { setTimeout as delay } from "node:timers/promises";
import { type Deferred, deferred } from "../client/base/deferred.js";
import { RingmqError } from "../client/base/error.js";
import type { Client } from "../client/client.js";
import { connect } from "../client/connect.js";
import type { Ledger } from "./ledger.js";

/** Milliseconds before a refused request is retried. */
const AGAIN = 25;

/** It knows what becomes of each connection, and of each request on it, however long a full disk takes. */
export const ONE_CONNECTION = {
  reconnect: false,
  publishTimeout: Number.POSITIVE_INFINITY,
  requestTimeout: Number.POSITIVE_INFINITY,
} as const;

/** Milliseconds to connect: the broker may be dying. */
const CONNECT_TIMEOUT = 2_000;

export class TortureContext {
  isStopping = false;
  /** Messages of auto-ack topics that may have been on their way to a client that died. */
  unseen = 0;
  /** Errors that actors got, with counts. */
  readonly errors = new Map<string, number>();
  #address: Deferred<string | undefined> = deferred();
  /** Connections of the actors at work. */
  readonly #clients = new Set<Client>();
  #next = 0;

  /** `rate`: messages a second, of all publishers together. */
  constructor(
    readonly ledger: Ledger,
    readonly rate: number,
  ) {}

  up(address: string): void {
    this.#address.resolve(address);
  }

  down(): void {
    this.#address.resolve(undefined);
    this.#address = deferred();
  }

  /** Ends all work at once. */
  stop(): void {
    this.isStopping = true;
    this.#address.resolve(undefined);
    for (const client of this.#clients) void client.close();
  }

  /**
   * Runs an actor: calls `work` with a connection, and again with a new one whenever that has ended, until the run
   * stops. Refused requests are counted and retried.
   */
  async act(work: (client: Client) => Promise<void>): Promise<void> {
    while (!this.isStopping) {
      const address = await this.#address.promise;
      if (address === undefined) continue;
      try {
        const client = await connect(address, { connectTimeout: CONNECT_TIMEOUT, ...ONE_CONNECTION });
        this.#clients.add(client);
        try {
          if (!this.isStopping) await work(client);
        } finally {
          this.#clients.delete(client);
          await client.close();
        }
      } catch (error) {
        this.refused(error);
        await delay(AGAIN);
      }
    }
  }

  /** Waits until this many messages may be published. */
  async pace(messages: number): Promise<void> {
    const now = performance.now();
    const wait = this.#next - now;
    this.#next = Math.max(now, this.#next) + (messages / this.rate) * 1_000;
    if (wait > 0) await delay(wait);
  }

  /** Whether it is an error of the broker or the connection. Any other is a bug of this program. */
  refused(error: unknown): RingmqError {
    if (!(error instanceof RingmqError)) throw error;
    this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
    return error;
  }
}
