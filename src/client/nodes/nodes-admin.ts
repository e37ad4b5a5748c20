/**
 * What a client of several nodes can do about messages that it names or looks for, and about its nodes.
 */
import type { ConnectionInfo, ConsumerInfo } from "../admin/connection-info.js";
import type { ExplainOptions, Finding } from "../admin/finding.js";
import type { MessageHistory } from "../admin/message-history.js";
import type { AnyQueueOptions, FindOptions, NackOptions, QueueOptions, TouchOptions } from "../arguments/options.js";
import { localError } from "../base/error.js";
import type { Client } from "../client.js";
import type { FoundMessage } from "../consume/found-message.js";
import type { Ids } from "../consume/id-settler.js";
import type { Keys } from "../consume/key-settler.js";
import type { Settlement } from "../consume/settle-result.js";
import { DeadLetters } from "../dead-letters/dead-letters.js";
import type { NodeLink } from "./node-link.js";
import { NodesMessages } from "./nodes-messages.js";
import { NodesSearch } from "./nodes-search.js";
import type { NodesWatch } from "./nodes-watch.js";
import { NodesWatching } from "./nodes-watching.js";
import type { NodeState, OfNode } from "./options.js";

export abstract class NodesAdmin {
  readonly #messages: NodesMessages;
  /** @internal */ protected readonly watching = new NodesWatching();

  /** @internal */
  protected constructor() {
    this.#messages = new NodesMessages(() => this.links());
  }

  /**
   * The nodes, connected or not. Throws CLIENT_CLOSED.
   *
   * @internal
   */
  protected abstract links(): readonly NodeLink[];

  /**
   * As `Client.cancel`, at the nodes that have the messages. What no node knows is UNKNOWN_MESSAGE among the faults; while a node
   * is away that may have it, it is CONNECT_FAILED, or why that node could not answer.
   */
  async cancel(topic: string, messages: Ids | Keys, options: AnyQueueOptions = {}): Promise<Settlement> {
    return this.#messages.settle((client) => client.cancel(topic, messages, options));
  }

  /** As `Client.reschedule`, at the nodes that have the messages; faults as of `cancel`. */
  async reschedule(
    topic: string,
    messages: Ids | Keys,
    delay: number,
    options: AnyQueueOptions = {},
  ): Promise<Settlement> {
    return this.#messages.settle((client) => client.reschedule(topic, messages, delay, options));
  }

  /** As `Client.runNow`, at the nodes that have the messages; faults as of `cancel`. */
  async runNow(topic: string, messages: Ids | Keys, options: AnyQueueOptions = {}): Promise<Settlement> {
    return this.reschedule(topic, messages, 0, options);
  }

  /** As `Client.ackById`, at the nodes that have the messages; faults as of `cancel`. */
  async ackById(topic: string, ids: Ids, options: QueueOptions = {}): Promise<Settlement> {
    return this.#messages.settle((client) => client.ackById(topic, ids, options));
  }

  /** As `Client.nackById`, at the nodes that have the messages; faults as of `cancel`. */
  async nackById(topic: string, ids: Ids, options: QueueOptions & NackOptions = {}): Promise<Settlement> {
    return this.#messages.settle((client) => client.nackById(topic, ids, options));
  }

  /** As `Client.touchById`, at the nodes that have the messages; faults as of `cancel`. */
  async touchById(topic: string, ids: Ids, options: QueueOptions & TouchOptions = {}): Promise<Settlement> {
    return this.#messages.settle((client) => client.touchById(topic, ids, options));
  }

  /**
   * Shows the message that has an id or a key, of the first node that answers with one: nodes do not know each other's keys.
   * undefined: no node has one. Rejects when no connected node has one and another, which may have it, is away.
   */
  async lookup(topic: string, message: string | { readonly key: string }): Promise<FoundMessage | undefined> {
    return this.#messages.lookup(topic, message);
  }

  /**
   * The dead letters of a queue on the connected nodes: listed node by node, counted together, re-driven at one rate for all. One
   * that is edited goes on at its node. Throws BAD_ARGUMENT.
   */
  deadLetters(topic: string, options: QueueOptions = {}): DeadLetters {
    return new DeadLetters(this.#messages, (id) => this.#messages.holderOf(topic, id), topic, options);
  }

  /**
   * Looks for messages of a queue as `Client.find` does, on one connected node after the other. Where to go on (`from`) is each
   * node's own. Throws BAD_ARGUMENT, CLIENT_CLOSED, and CONNECT_FAILED when no node is connected.
   */
  find(topic: string, options: Omit<FindOptions, "from"> = {}): NodesSearch {
    return new NodesSearch(this.links(), topic, options);
  }

  /** Why messages of a topic do not arrive, as `Client.explain` tells it, of one connected node behind those of another. */
  async explain(topic: string, options: ExplainOptions = {}): Promise<OfNode<Finding>[]> {
    const all = await this.#messages.ofConnected(async (client, node) =>
      (await client.explain(topic, options)).map((finding) => ({ ...finding, node })),
    );
    return all.flat(1);
  }

  /** What has become of a message, as `Client.history` tells it, of the connected node that knows most of it. */
  async history(topic: string, id: string): Promise<OfNode<MessageHistory>> {
    const all = await this.#messages.ofConnected(async (client, node) => ({
      ...(await client.history(topic, id)),
      node,
    }));
    const [known] = all.sort((a, b) => knownOf(b) - knownOf(a));
    return known as OfNode<MessageHistory>;
  }

  /**
   * How the nodes do: each sample that one of them takes from now on, about one a second of each, those included that are connected
   * later. Resolves when one of them lets it watch; rejects when every connected node refuses.
   */
  async watch(): Promise<NodesWatch> {
    return this.watching.begin(this.links());
  }

  /** The connections of the connected nodes, those of one node behind those of another, each as `Client.connections` tells it. */
  connections(): AsyncGenerator<OfNode<ConnectionInfo>, void> {
    return eachOf(
      () => this.links(),
      (client) => client.connections(),
    );
  }

  /** Those who take messages of the connected nodes, each as `Client.consumers` tells it. */
  consumers(): AsyncGenerator<OfNode<ConsumerInfo>, void> {
    return eachOf(
      () => this.links(),
      (client) => client.consumers(),
    );
  }

  /** As `Client.closeConnection`, at the node whose `url` this is. Rejects with CONNECT_FAILED when it is not connected. */
  async closeConnection(node: string, id: number): Promise<boolean> {
    const client = this.links().find(({ url }) => url === node)?.client;
    if (client === undefined) throw localError("CONNECT_FAILED", `${node} is no node that is connected`);
    return client.closeConnection(id);
  }

  /**
   * Calls `act` with a client of each connected node, for what is a node's own affair: configuration, queues, statistics,
   * channels. Resolves with what it resolves with for each; rejects with the first rejection. Nodes that are connected
   * later have to be told as well.
   */
  async onEachNode<T>(act: (client: Client, node: NodeState) => Promise<T>): Promise<T[]> {
    return Promise.all(this.links().flatMap(({ client, state }) => (client === undefined ? [] : [act(client, state)])));
  }
}

const knownOf = ({ origin, copies, events }: MessageHistory): number =>
  copies.length + events.length + (origin === null ? 0 : 1);

async function* eachOf<T>(
  links: () => readonly NodeLink[],
  list: (client: Client) => AsyncGenerator<T, void>,
): AsyncGenerator<OfNode<T>, void> {
  for (const { client, url } of links()) {
    if (client === undefined) continue;
    for await (const item of list(client)) yield { ...item, node: url };
  }
}
