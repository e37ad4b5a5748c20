/**
 * The servers that a list of names stands for now, kept up to date.
 *
 * Each name keeps its last servers as long as it cannot be looked up, so a name server that fails takes nobody away.
 */
import type { Resolver } from "./resolver.js";
import type { Server } from "./server.js";

/** Before a lookup that failed is tried again: doubled each time, up to the interval of the resolver. Milliseconds. */
const FIRST_RETRY = 500;
const LONGEST_RETRY = 30_000;

export interface ServerListEvents {
  /** The list is another one. Called with the first list too. */
  readonly changed: (servers: readonly Server[]) => void;
  /** A name cannot be looked up; it is tried again. */
  readonly failed: (name: string, error: unknown) => void;
}

export class ServerList {
  readonly #names: readonly string[];
  readonly #resolver: Resolver;
  readonly #events: ServerListEvents;
  readonly #random: () => number;
  readonly #closing = new AbortController();
  /** The last servers of each name. */
  readonly #found = new Map<string, readonly Server[]>();
  #servers: readonly Server[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(
    names: readonly string[],
    resolver: Resolver,
    events: ServerListEvents,
    random: () => number = Math.random,
  ) {
    this.#names = names;
    this.#resolver = resolver;
    this.#events = events;
    this.#random = random;
  }

  /** In the order of the names. Empty until the first lookup has succeeded. */
  get servers(): readonly Server[] {
    return this.#servers;
  }

  /** Looks all names up, and again whenever it is time. Resolves after the first round, whatever came of it. */
  async start(): Promise<void> {
    await this.#round();
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const { signal } = this.#closing;
    const outcomes = await Promise.all(this.#names.map((name) => this.#lookUp(name, signal)));
    if (signal.aborted) return;
    this.#failures = outcomes.every(Boolean) ? 0 : this.#failures + 1;
    this.#publish();
    const delay = this.#nextDelay();
    if (delay !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => void this.#round(), delay);
  }

  /** Returns whether it could be looked up. */
  async #lookUp(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      this.#found.set(name, await this.#resolver.resolve(name, signal));
      return true;
    } catch (error) {
      if (!signal.aborted) this.#events.failed(name, error);
      return false;
    }
  }

  #publish(): void {
    // Two names may stand for one server.
    const byUrl = new Map<string, Server>();
    for (const name of this.#names) {
      for (const server of this.#found.get(name) ?? []) if (!byUrl.has(server.url)) byUrl.set(server.url, server);
    }
    const servers = [...byUrl.values()];
    if (servers.length === this.#servers.length && servers.every(({ url }, i) => url === this.#servers[i]?.url)) return;
    this.#servers = servers;
    this.#events.changed(servers);
  }

  #nextDelay(): number {
    const { refreshInterval } = this.#resolver;
    if (this.#failures === 0) return refreshInterval;
    const most = Math.min(LONGEST_RETRY, refreshInterval);
    return Math.min(most, FIRST_RETRY * 2 ** Math.min(this.#failures - 1, 30)) * (0.5 + this.#random() / 2);
  }
}
