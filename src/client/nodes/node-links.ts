/**
 * The links to all nodes of a list that is read again from time to time, and which of them to use.
 */
import { unobserved } from "../base/deferred.js";
import { localError } from "../base/error.js";
import { startTimer, type Timer } from "../base/timer.js";
import type { Client } from "../client.js";
import { NodeLink, type NodeLinkOptions } from "./node-link.js";
import type { ListedNode, ReadNodes } from "./node-lists.js";
import type { NodeState, NodesEvent } from "./options.js";

/** How long one reading may take, and how soon it is read again when nodes are lost one after the other. Milliseconds. */
const LIST_TIMEOUT = 5000;
const MIN_INTERVAL = 500;

export interface NodeLinksOptions extends NodeLinkOptions {
  readonly read: ReadNodes;
  /** Milliseconds, or Infinity. */
  readonly refreshInterval: number;
}

export interface NodeLinksEvents {
  /** A node takes requests, with this client. */
  connected(client: Client, url: string): void;
  happened(event: NodesEvent): void;
}

export class NodeLinks {
  readonly #options: NodeLinksOptions;
  readonly #events: NodeLinksEvents;
  readonly #byUrl = new Map<string, NodeLink>();
  #usable: readonly NodeLink[] = [];
  #timer: Timer | undefined;
  #reading: Promise<void> | undefined;
  #isHurried = false;
  #isClosed = false;
  readonly #closing = new AbortController();

  constructor(options: NodeLinksOptions, events: NodeLinksEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Those to publish to: the listed ones, or when there are none, the others that are still connected. */
  get usable(): readonly NodeLink[] {
    return this.#usable;
  }

  /** Those in the list, and others that are still connected. */
  get all(): NodeLink[] {
    return [...this.#byUrl.values()];
  }

  /** Those that take requests, listed or not. */
  get connected(): NodeLink[] {
    return this.all.filter(({ client }) => client !== undefined);
  }

  /** Those in the list, connected or not. */
  get listed(): NodeLink[] {
    return this.all.filter(({ isListed }) => isListed);
  }

  get states(): NodeState[] {
    return this.all.map(({ state }) => state);
  }

  /**
   * Reads the list and connects to its nodes. Resolves when one of them is connected. Rejects when the list cannot be
   * read, when it is empty, and when none of its nodes can be reached.
   */
  async start(): Promise<void> {
    this.#take(await this.#read());
    const links = this.all;
    if (links.length === 0) throw localError("CONNECT_FAILED", "the list of nodes is empty");
    const failures: (Error | undefined)[] = [];
    await new Promise<void>((resolve) => {
      for (const link of links) {
        unobserved(
          link.tried.then((error) => {
            failures.push(error);
            if (error === undefined || failures.length === links.length) resolve();
          }),
        );
      }
    });
    if (this.#isClosed || failures.includes(undefined)) {
      this.#schedule(this.#options.refreshInterval);
      return;
    }
    throw failures.at(-1) ?? localError("CONNECT_FAILED", "no node can be reached");
  }

  async close(end: (client: Client) => Promise<void>): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
    this.#timer?.cancel();
    const links = this.all;
    this.#byUrl.clear();
    this.#usable = [];
    await Promise.allSettled(links.map((link) => link.close(end)));
  }

  #connectTo(node: ListedNode): NodeLink {
    return new NodeLink(node, this.#options, {
      draining: (link) => {
        this.#choose();
        this.#events.happened({ type: "draining", node: link.state });
      },
      connected: (link, client) => {
        this.#choose();
        this.#events.connected(client, link.url);
        this.#events.happened({ type: "connected", node: link.state });
      },
      lost: (link, error, wasConnected) => this.#lost(link, error, wasConnected),
    });
  }

  #choose(): void {
    const { connected } = this;
    const listed = connected.filter(({ isListed }) => isListed);
    this.#usable = listed.length > 0 ? listed : connected;
  }

  #lost(link: NodeLink, error: Error, wasConnected: boolean): void {
    if (!link.isListed) this.#drop(link);
    this.#choose();
    this.#events.happened({ type: "lost", node: link.state, error });
    // Not each time that a node which is away is tried: that would be a request of every client every few seconds.
    if (wasConnected) this.#hurry();
  }

  #drop(link: NodeLink): void {
    this.#byUrl.delete(link.url);
    unobserved(link.close((client) => client.close()));
  }

  #take(list: readonly ListedNode[]): void {
    const listed = new Map(list.map((node) => [node.url, node]));
    let isChanged = false;
    for (const link of this.all) {
      if (listed.has(link.url)) continue;
      isChanged ||= link.isListed;
      link.isListed = false;
      // One that is connected takes no more publishes, but its messages can still be consumed.
      if (link.client === undefined && link.state.state !== "draining") this.#drop(link);
    }
    for (const node of listed.values()) {
      const link = this.#byUrl.get(node.url);
      if (link === undefined) this.#byUrl.set(node.url, this.#connectTo(node));
      if (link === undefined || link.update(node)) isChanged = true;
    }
    this.#choose();
    if (isChanged) this.#events.happened({ type: "listed", nodes: this.states });
  }

  async #read(): Promise<readonly ListedNode[]> {
    const timeout = new AbortController();
    const stop = (): void => timeout.abort();
    const timer = startTimer(LIST_TIMEOUT, stop);
    const { signal } = this.#closing;
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await this.#options.read(timeout.signal);
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", stop);
    }
  }

  #schedule(milliseconds: number): void {
    this.#timer?.cancel();
    if (!this.#isClosed) this.#timer = startTimer(milliseconds, () => this.#refresh());
  }

  /** A node was lost: the list may know already. */
  #hurry(): void {
    if (this.#isHurried) return;
    this.#isHurried = true;
    if (this.#timer !== undefined) this.#schedule(Math.min(MIN_INTERVAL, this.#options.refreshInterval));
  }

  #refresh(): void {
    this.#isHurried = false;
    this.#reading ??= this.#readAgain();
  }

  async #readAgain(): Promise<void> {
    try {
      const list = await this.#read();
      if (!this.#isClosed) this.#take(list);
    } catch (error) {
      if (!this.#isClosed) this.#events.happened({ type: "list-failed", error: asError(error) });
    }
    this.#reading = undefined;
    this.#schedule(this.#isHurried ? MIN_INTERVAL : this.#options.refreshInterval);
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
