/**
 * Looking for messages in a queue that every node has a part of.
 */

import { badArgument } from "../arguments/argument-checks.js";
import type { FindOptions } from "../arguments/options.js";
import type { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import type { Client } from "../client.js";
import type { LocatedMessage, MessageSearch } from "../consume/message-search.js";
import { isAbsence, noNode } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";

interface Part {
  readonly node: string;
  readonly search: MessageSearch;
}

/**
 * A search of the messages of a queue, made by `find` of a client of several nodes: as `MessageSearch`, through the nodes that were
 * connected when it was begun, one after the other. Its promises reject when the node whose turn it is cannot answer.
 */
export class NodesSearch implements AsyncIterable<LocatedMessage> {
  readonly topic: string;
  readonly queue: string;
  /** The url of the node whose messages `page` gives next; undefined: all were looked at. */
  node: string | undefined;
  readonly #parts: readonly Part[];
  readonly #maxScanned: number;
  #at = 0;
  /** Some node knows the topic and the queue. */
  #isKnown = false;
  /** Why another does not. */
  #absence: RingmqError | undefined;

  /** @internal */
  constructor(links: readonly NodeLink[], topic: string, options: Omit<FindOptions, "from">) {
    if ((Object(options) as FindOptions).from !== undefined) {
      throw badArgument("from", (options as FindOptions).from, "left out: it is a node's own");
    }
    const clients = links.flatMap(({ client, url }): [Client, string][] =>
      client === undefined ? [] : [[client, url]],
    );
    this.#parts = clients.map(([client, node]) => ({ node, search: client.find(topic, options) }));
    const [first] = this.#parts;
    if (first === undefined) throw noNode();
    this.topic = first.search.topic;
    this.queue = first.search.queue;
    this.node = first.node;
    this.#maxScanned = options.maxScanned ?? Number.POSITIVE_INFINITY;
  }

  /** Messages that were looked at so far, and their bytes. */
  get scanned(): number {
    return this.#parts.reduce((sum, { search }) => sum + search.scanned, 0);
  }

  get scannedBytes(): number {
    return this.#parts.reduce((sum, { search }) => sum + search.scannedBytes, 0);
  }

  /** All were looked at, of all nodes. */
  get isOver(): boolean {
    return this.node === undefined;
  }

  /**
   * What is found next, of the node that `node` names: at most `max` messages, perhaps none although there are more to look at. None
   * either when the search is over.
   */
  async page(): Promise<LocatedMessage[]> {
    for (let part = this.#parts[this.#at]; part !== undefined; part = this.#parts[this.#at]) {
      try {
        const messages = await part.search.page();
        this.#isKnown = true;
        if (part.search.isOver) this.#next();
        return messages;
      } catch (error) {
        if (!isAbsence(error)) throw error;
        this.#absence = error;
        this.#next();
      }
    }
    if (!this.#isKnown && this.#absence !== undefined) throw this.#absence;
    return [];
  }

  /** It ends when the search is over, or `maxScanned` messages were looked at: see `isOver`. */
  async *[Symbol.asyncIterator](): AsyncIterator<LocatedMessage> {
    while (!this.isOver && this.scanned < this.#maxScanned) yield* await this.page();
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const { topic, queue, node, scanned, scannedBytes, isOver } = this;
    return inspected("NodesSearch", { topic, queue, node, scanned, scannedBytes, isOver }, options, inspect);
  }

  #next(): void {
    this.node = this.#parts[++this.#at]?.node;
  }
}
