/**
 * The link to one node: connects to it, and connects again when the connection ends, until it is closed.
 */

import { backoff, FIRST_WAIT, MAX_WAIT } from "../base/backoff.js";
import { SYSTEM_CLOCK } from "../base/clock.js";
import { deferred, unobserved } from "../base/deferred.js";
import { localError } from "../base/error.js";
import type { Client } from "../client.js";
import { keepAlive } from "../connection/keep-alive.js";
import { pauseUnlessAborted } from "../connection/open.js";
import type { ListedNode } from "./node-lists.js";
import type { NodeConnectionState, NodeState } from "./options.js";
import type { Repeat } from "./repeat-list.js";

/** A connection that ends sooner does not count as one that worked: the next wait is longer. Milliseconds. */
const MIN_LIFE = 5000;

export interface NodeLinkEvents {
  /** It is about to stop: `client` was unset. */
  draining(link: NodeLink): void;
  /** A connection has opened: `client` was set. */
  connected(link: NodeLink, client: Client): void;
  /** Its connection has ended, `client` was unset; or (`wasConnected` is false) it could not be connected to. */
  lost(link: NodeLink, error: Error, wasConnected: boolean): void;
}

export interface NodeLinkOptions {
  /** Takes a message that the node of this link has not taken. */
  readonly repeat: (link: NodeLink, ...failed: Parameters<Repeat>) => ReturnType<Repeat>;
  readonly open: (url: string, signal: AbortSignal) => Promise<Client>;
  /** Milliseconds, or Infinity. */
  readonly pingInterval: number;
}

export class NodeLink {
  readonly url: string;
  weight: number;
  isListed = true;
  /** Takes a message that this node has not taken. */
  readonly repeat: Repeat;
  /** The client of the open connection, as long as the node takes requests. */
  client: Client | undefined;
  /** Resolves after the first attempt to connect: with why it failed. */
  readonly tried: Promise<Error | undefined>;

  /** What the broker called itself that it was connected to last. */
  brokerId = 0;

  readonly #options: NodeLinkOptions;
  readonly #events: NodeLinkEvents;
  readonly #tried = deferred<Error | undefined>();
  readonly #closing = new AbortController();
  #id: number | undefined;
  #state: NodeConnectionState = "connecting";
  #error: Error | undefined;
  /** Clients of connections that are open, a draining one too. */
  readonly #open = new Set<Client>();

  constructor(node: ListedNode, options: NodeLinkOptions, events: NodeLinkEvents) {
    this.url = node.url;
    this.weight = node.weight;
    this.#id = node.id;
    this.repeat = (...failed) => options.repeat(this, ...failed);
    this.#options = options;
    this.#events = events;
    this.tried = this.#tried.promise;
    unobserved(this.#run());
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  get state(): NodeState {
    const { url, weight, isListed } = this;
    return { id: this.#id, url, weight, state: this.#state, isListed, error: this.#error };
  }

  /** It is in a list that was just read. Returns whether that changes anything. */
  update({ id, weight }: ListedNode): boolean {
    const isNew = !this.isListed || this.weight !== weight;
    this.isListed = true;
    this.weight = weight;
    this.#id = id ?? this.#id;
    return isNew;
  }

  /** Connects no more, and ends what is connected with `end`. */
  async close(end: (client: Client) => Promise<void>): Promise<void> {
    this.#closing.abort();
    this.client = undefined;
    this.#tried.resolve(undefined);
    await Promise.allSettled([...this.#open].map(end));
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.isClosed; attempt++) {
      const start = performance.now();
      const error = await this.#connection();
      if (this.isClosed) return;
      const wasConnected = this.#state === "connected" || this.#state === "draining";
      this.#state = "lost";
      this.#error = error;
      this.#tried.resolve(error);
      this.#events.lost(this, error, wasConnected);
      if (this.isClosed) return;
      if (performance.now() - start >= MIN_LIFE) attempt = 0;
      await pauseUnlessAborted(SYSTEM_CLOCK, backoff(attempt, FIRST_WAIT, MAX_WAIT), this.#closing.signal);
    }
  }

  /** Connects. Resolves when the connection has ended or could not be made, with why. */
  async #connection(): Promise<Error> {
    let client: Client;
    if (this.#state !== "lost") this.#state = "connecting";
    try {
      client = await this.#options.open(this.url, this.#closing.signal);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    this.#open.add(client);
    if (this.isClosed) {
      await client.close();
      return new Error("closed");
    }
    this.brokerId = client.info.nodeId;
    this.#id = this.brokerId;
    this.#state = "connected";
    this.#error = undefined;
    this.client = client;
    client.onGoodbye = () => {
      this.#state = "draining";
      this.client = undefined;
      this.#events.draining(this);
    };
    const pings = keepAlive(
      this.#options.pingInterval,
      () => client.ping(),
      () => unobserved(client.close()),
    );
    this.#events.connected(this, client);
    this.#tried.resolve(undefined);
    const reason = await client.closed;
    pings.cancel();
    this.#open.delete(client);
    this.client = undefined;
    return reason ?? localError("CONNECTION_CLOSED", `${this.url} did not answer a ping`);
  }
}
