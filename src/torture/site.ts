/** Where the actors of a torture meet: the broker that runs now, if one does, and what they share. */
import { setTimeout as delay } from "node:timers/promises";
import { type Deferred, deferred } from "../client/base/deferred.js";
import { RingmqError } from "../client/base/error.js";
import type { Client } from "../client/client.js";
import { connect } from "../client/connect.js";
import type { Ledger } from "./ledger.js";

/** A breath before something refused is tried again, milliseconds. */
const AGAIN = 25;

/** For a connection to a broker that may be dying, milliseconds. */
const CONNECT_TIMEOUT = 2_000;

export class Site {
  isStopping = false;
  /** Messages of auto-ack topics that may have been on their way to somebody who died. */
  unseen = 0;
  /** How often actors were answered with each error. */
  readonly errors = new Map<string, number>();
  #address: Deferred<string | undefined> = deferred();
  /** Of the actors that are at work. */
  readonly #clients = new Set<Client>();
  #next = 0;

  /** `rate`: messages that all publishers together send, a second. */
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

  /** Ends all work where it is. */
  stop(): void {
    this.isStopping = true;
    this.#address.resolve(undefined);
    for (const client of this.#clients) void client.close();
  }

  /**
   * Lets an actor work: `work` is called with a connection, again with a new one whenever that has ended, until the
   * torture stops. What the broker refuses is counted and tried again.
   */
  async act(work: (client: Client) => Promise<void>): Promise<void> {
    while (!this.isStopping) {
      const address = await this.#address.promise;
      if (address === undefined) continue;
      try {
        const client = await connect(address, { connectTimeout: CONNECT_TIMEOUT });
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

  /** Waits until so many messages may be published. */
  async pace(messages: number): Promise<void> {
    const now = performance.now();
    const wait = this.#next - now;
    this.#next = Math.max(now, this.#next) + (messages / this.rate) * 1_000;
    if (wait > 0) await delay(wait);
  }

  /** An error of the broker or the connection is expected here; any other is a fault of this program. */
  refused(error: unknown): RingmqError {
    if (!(error instanceof RingmqError)) throw error;
    this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
    return error;
  }
}
