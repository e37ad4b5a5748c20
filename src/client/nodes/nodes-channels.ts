/**
 * The channels of a client of several nodes: on which of them each is, who is subscribed to it, and what is published.
 */

import type { Selector } from "../../servers/selector.js";
import { asBadArgument, badArgument } from "../arguments/argument-checks.js";
import { readOptions } from "../arguments/option-reader.js";
import type { Body, ChannelPublishOptions, Resumption, SubscribeOptions } from "../arguments/options.js";
import { REQUEST_OPTIONS } from "../arguments/request-options.js";
import { unobserved } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Client } from "../client.js";
import type { ChannelReceipt } from "../publish/receipt.js";
import { noNode } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";
import { NodesSubscription } from "./nodes-subscription.js";
import type { NodeState, NodesChannelReceipt, NodesEvent } from "./options.js";

/** What it needs of the links. */
interface Links {
  /** In the list, connected or not. */
  readonly listed: readonly NodeLink[];
  readonly states: readonly NodeState[];
}

type Outcome = { readonly url: string } & ({ readonly receipt: ChannelReceipt } | { readonly error: RingmqError });

export class NodesChannels {
  readonly #links: Links;
  readonly #select: Selector;
  readonly #onEvent: (event: NodesEvent) => void;
  readonly #subscriptions = new Set<NodesSubscription>();

  constructor(links: Links, select: Selector, onEvent: (event: NodesEvent) => void) {
    this.#links = links;
    this.#select = select;
    this.#onEvent = onEvent;
  }

  /** Sends at once, so that messages keep their order. Throws when there is no node to send to. */
  publish(channel: string, body: Body, options?: ChannelPublishOptions): Promise<NodesChannelReceipt> {
    const sent = this.#nodesOf(channel).map(({ url, client }): Promise<Outcome> => {
      if (client === undefined) return Promise.resolve({ url, error: notConnected(url) });
      return client.publishToChannel(channel, body, options).then(
        (receipt) => ({ url, receipt }),
        (error: unknown) => ({ url, error: asBadArgument(error) }),
      );
    });
    if (sent.length === 0) throw noNode();
    return this.#receipt(sent);
  }

  async subscribe(channel: string, given: SubscribeOptions): Promise<NodesSubscription> {
    const options = readOptions(given, REQUEST_OPTIONS.subscribe);
    const { from } = options;
    if (from !== undefined && from !== "now" && from !== "start" && !(from instanceof Date)) {
      throw badArgument("from", from, '"now", "start" or a Date: positions are each node\'s own');
    }
    const subscription = new NodesSubscription(channel, options, (url, resumption) =>
      this.#resumed(channel, url, resumption, options.onResumed),
    );
    this.#subscriptions.add(subscription);
    unobserved(subscription.finished.then(() => this.#subscriptions.delete(subscription)));
    const nodes = this.#nodesOf(channel);
    const answered = Promise.all(nodes.map(({ url, client }) => client && subscription.join(url, client)));
    // One that hangs must not hold up the others.
    await Promise.race([answered, subscription.started]);
    const refusal = subscription.isOver ? await subscription.closed : undefined;
    if (refusal === undefined) return subscription;
    this.#subscriptions.delete(subscription);
    throw refusal;
  }

  /** A node takes requests. */
  connected(client: Client, url: string): void {
    for (const subscription of this.#subscriptions) {
      const isSelected = this.#nodesOf(subscription.channel).some((node) => node.url === url);
      if (isSelected) unobserved(subscription.join(url, client));
    }
  }

  /** The list of nodes has changed: channels may be on others. */
  choose(): void {
    for (const subscription of this.#subscriptions) {
      const nodes = this.#nodesOf(subscription.channel);
      const urls = new Set(nodes.map(({ url }) => url));
      for (const { url } of this.#links.states) if (!urls.has(url)) subscription.leave(url);
      for (const { url, client } of nodes) if (client !== undefined) unobserved(subscription.join(url, client));
    }
  }

  async drain(): Promise<void> {
    await Promise.allSettled([...this.#subscriptions].map((subscription) => subscription.drain()));
  }

  /** The client was closed. */
  ended(): void {
    for (const subscription of this.#subscriptions) subscription.ended();
  }

  #nodesOf(channel: string): readonly NodeLink[] {
    const { listed } = this.#links;
    const selected = new Set(
      this.#select(
        channel,
        listed.map(({ url }) => url),
      ),
    );
    return listed.filter(({ url }) => selected.has(url));
  }

  #resumed(channel: string, url: string, resumption: Resumption, onResumed: SubscribeOptions["onResumed"]): void {
    const node = this.#links.states.find((state) => state.url === url);
    if (node !== undefined) this.#onEvent({ type: "resumed", node, channel, resumption });
    onResumed?.(resumption);
  }

  async #receipt(sent: readonly Promise<Outcome>[]): Promise<NodesChannelReceipt> {
    const outcomes = await Promise.all(sent);
    const taken = outcomes.filter((outcome) => "receipt" in outcome);
    const failed = outcomes.filter((outcome) => "error" in outcome);
    const last = failed.at(-1);
    if (taken.length === 0 && last !== undefined) throw last.error;
    return { subscribers: taken.reduce((sum, { receipt }) => sum + receipt.subscribers, 0), taken, failed };
  }
}

const notConnected = (url: string): RingmqError => localError("CONNECT_FAILED", `${url} is not connected`);
