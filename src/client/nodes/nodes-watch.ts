/**
 * The samples of several nodes as their program sees them.
 */
import type { AsyncFeed } from "../base/async-feed.js";
import { deferred, unobserved } from "../base/deferred.js";
import { RingmqError } from "../base/error.js";
import { EventHub } from "../base/event-hub.js";
import type { Client } from "../client.js";
import type { BrokerSample } from "../watch/broker-sample.js";
import type { Watch } from "../watch/watch.js";
import type { OfNode } from "./options.js";

/**
 * The samples of several nodes, as an iterator: each that one of them takes, with the node's `url`. Of what a program does not read,
 * the last 256 are kept. A node that is away has none meanwhile. It ends with the client.
 */
export class NodesWatch implements AsyncFeed<OfNode<BrokerSample>> {
  readonly #hub = new EventHub<OfNode<BrokerSample>>();
  readonly #feed = this.#hub.watch();
  readonly #watches = new Set<Watch>();
  readonly #failed = new Map<string, RingmqError>();
  readonly #left: (watch: NodesWatch) => void;
  readonly #started = deferred<void>();
  #isOver = false;

  /** @internal */
  constructor(left: (watch: NodesWatch) => void) {
    this.#left = left;
  }

  /** The nodes that send it nothing, by their `url`, each with why: it does not let this user watch, or was lost. */
  get failed(): ReadonlyMap<string, RingmqError> {
    return this.#failed;
  }

  /**
   * Some node sends samples now.
   *
   * @internal
   */
  get isWatching(): boolean {
    return this.#watches.size > 0;
  }

  /**
   * Resolves when one node lets it watch, or it has ended.
   *
   * @internal
   */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /**
   * Has a node's samples too, until the connection of its client ends. Resolves when the node has answered.
   *
   * @internal
   */
  async join(client: Client, node: string): Promise<void> {
    try {
      const watch = await client.watch();
      this.#failed.delete(node);
      if (this.#isOver) return void watch.return();
      this.#watches.add(watch);
      this.#started.resolve();
      unobserved(this.#read(watch, node));
    } catch (error) {
      if (error instanceof RingmqError) this.#failed.set(node, error);
    }
  }

  /**
   * Its client was closed.
   *
   * @internal
   */
  ended(): void {
    this.#isOver = true;
    this.#started.resolve();
    this.#hub.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next sample. */
  next(): Promise<IteratorResult<OfNode<BrokerSample>, undefined>> {
    return this.#feed.next();
  }

  /** Ends it: the nodes send no more. Leaving a `for await` does the same. */
  async return(): Promise<IteratorResult<OfNode<BrokerSample>, undefined>> {
    this.#left(this);
    this.ended();
    await Promise.all([...this.#watches].map((watch) => watch.return()));
    await this.#feed.return?.();
    return { done: true, value: undefined };
  }

  /** As `return`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #read(watch: Watch, node: string): Promise<void> {
    try {
      for await (const sample of watch) this.#hub.push({ ...sample, node });
    } catch (error) {
      if (error instanceof RingmqError) this.#failed.set(node, error);
    } finally {
      this.#watches.delete(watch);
    }
  }
}
