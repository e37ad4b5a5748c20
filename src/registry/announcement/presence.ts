/**
 * The loop that keeps a node listed at one place, a registry or an etcd: looks whether it still is, lists it when it is
 * not, and tells the log once when that begins or ceases to work.
 */
import type { Log } from "../../main/log.js";
import { EtcdRefusal } from "../discovery/etcd-gateway.js";
import { RegistryRefusal } from "../discovery/gregister.js";
import { UnreachableError } from "../discovery/json-request.js";
import { Backoff, pause } from "./pause.js";

export interface PresenceTimes {
  /** Milliseconds between two looks whether the node is still listed. */
  readonly checkInterval: number;
  /** The pause behind the first failure; the next are longer, up to `checkInterval` but no shorter than this. */
  readonly retryInterval: number;
  /** The pause behind a refusal, which is often about this node's own former life, until it is dropped. */
  readonly refusalInterval: number;
  /** How long a request may take. */
  readonly requestTimeout: number;
}

/** A place where nodes are listed. */
export interface Listing {
  /** For the log: `registry http://…`. */
  readonly name: string;
  /** Makes sure that the node is listed. True: it was not before. Throws when it cannot. */
  ensure(signal: AbortSignal): Promise<boolean>;
  /** Takes it off the list, if it may be on it. */
  withdraw(signal: AbortSignal): Promise<void>;
}

type State = "unknown" | "listed" | "refused" | "unreachable";

export class Presence {
  readonly #listing: Listing;
  readonly #times: PresenceTimes;
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #backoff: Backoff;
  readonly #done: Promise<void>;
  #state: State = "unknown";
  #told = "";

  constructor(listing: Listing, times: PresenceTimes, log: Log) {
    this.#listing = listing;
    this.#times = times;
    this.#log = log;
    this.#backoff = new Backoff(times.retryInterval, Math.max(times.retryInterval, times.checkInterval));
    this.#done = this.#run();
  }

  /** Takes the node off the list; gives up after `timeout` milliseconds. Never throws. */
  async close(timeout: number): Promise<void> {
    this.#closing.abort();
    await this.#done;
    try {
      await this.#listing.withdraw(AbortSignal.timeout(timeout));
    } catch (error) {
      this.#log.warn({ reason: textOf(error) }, `${this.#listing.name}: the node could not be taken off the list`);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const isNew = await this.#listing.ensure(signal);
        this.#backoff.reset();
        if (isNew || this.#state !== "listed") this.#log.info({}, `${this.#listing.name}: the node is listed`);
        this.#enter("listed", "");
        await pause(this.#times.checkInterval, signal);
      } catch (error) {
        if (signal.aborted) return;
        await pause(this.#failed(error), signal);
      }
    }
  }

  /** Notes why the node is not listed; returns how long to wait. */
  #failed(error: unknown): number {
    const text = textOf(error);
    if (error instanceof RegistryRefusal || error instanceof EtcdRefusal) {
      if (this.#enter("refused", text)) {
        this.#log.error({ reason: text }, `${this.#listing.name} refuses this node; trying again`);
      }
      return this.#times.refusalInterval;
    }
    // Not a failure of the network: a fault of this program, which must not end in a node that nobody finds.
    if (!(error instanceof UnreachableError)) this.#log.error({ reason: text }, `${this.#listing.name}: ${text}`);
    else if (this.#enter("unreachable", text)) {
      this.#log.warn({ reason: text }, `${this.#listing.name} cannot be reached; trying again`);
    }
    return this.#backoff.next();
  }

  /** Whether that is news. */
  #enter(state: State, text: string): boolean {
    const isNews = this.#state !== state || (state === "refused" && this.#told !== text);
    this.#state = state;
    this.#told = text;
    return isNews;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
