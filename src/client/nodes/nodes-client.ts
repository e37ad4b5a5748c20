/**
 * The client of several nodes: each message goes to one of them.
 */

import type { Selector } from "../../servers/selector.js";
import { asBadArgument, checkTimeout } from "../arguments/argument-checks.js";
import { OPTIONS, readOptions } from "../arguments/option-reader.js";
import type {
  Body,
  ChannelPublishOptions,
  CloseOptions,
  ConsumeOptions,
  DrainOptions,
  PopDeadOptions,
  PopOptions,
  PublishBatchOptions,
  PublishOptions,
  RequestOptions,
  RespondOptions,
  SubscribeOptions,
} from "../arguments/options.js";
import { REQUEST_OPTIONS } from "../arguments/request-options.js";
import type { AsyncFeed } from "../base/async-feed.js";
import { deferred, unobserved } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import { EventHub } from "../base/event-hub.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { within } from "../base/timer.js";
import type { RequestHandler } from "../calls/handler.js";
import type { Reply } from "../calls/reply.js";
import type { Client } from "../client.js";
import { atEndOfTurn } from "../connection/end-of-turn.js";
import type { PendingBytes } from "../connection/pending-bytes.js";
import type { Message } from "../consume/message.js";
import type { Numbering } from "../publish/numbering.js";
import type { BatchReceipt, Receipt } from "../publish/receipt.js";
import type { InputOf, OutputOf, StandardSchema } from "../topics/standard-schema.js";
import { Topic, type TopicOptions } from "../topics/topic.js";
import type { Tracing } from "../tracing/tracing.js";
import type { QueueWorker } from "../work/queue-worker.js";
import type { WorkHandler, WorkOptions } from "../work/work-options.js";
import { Workers } from "../work/workers.js";
import type { NodeLink } from "./node-link.js";
import { NodeLinks, type NodeLinksOptions } from "./node-links.js";
import { NodesAdmin } from "./nodes-admin.js";
import { NodesCalls } from "./nodes-calls.js";
import { NodesChannels } from "./nodes-channels.js";
import { NodesConsumer } from "./nodes-consumer.js";
import { NodesPopper } from "./nodes-popper.js";
import { NodesPublisher } from "./nodes-publisher.js";
import type { NodesResponder } from "./nodes-responder.js";
import type { NodesSubscription } from "./nodes-subscription.js";
import type { NodeState, NodesChannelReceipt, NodesEvent } from "./options.js";
import type { Picker } from "./picker.js";
import { RetryQueue } from "./retry-queue.js";

const DRAIN_TIMEOUT = 30_000;

/**
 * A client of several nodes, made by `connectNodes`. Any node may hold messages of a topic: each publish goes to one of
 * them, and consumers take from all. Order is promised within a node only.
 *
 * Its methods do not throw: their promises reject with a RingmqError, as those of `Client` do. CONNECT_FAILED means that no
 * node is connected.
 */
export class NodesClient extends NodesAdmin {
  readonly #links: NodeLinks;
  readonly #picker: Picker;
  readonly #pendingBytes: PendingBytes;
  readonly #tracing: Tracing;
  readonly #retries: RetryQueue;
  readonly #publisher: NodesPublisher;
  readonly #popper: NodesPopper;
  readonly #consumers = new Set<NodesConsumer>();
  readonly #workers = new Workers();
  readonly #channels: NodesChannels;
  readonly #calls: NodesCalls;
  readonly #events = new EventHub<NodesEvent>();
  readonly #closed = deferred<void>();
  #turn = 0;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(
    links: Omit<NodeLinksOptions, "repeat">,
    picker: Picker,
    select: Selector,
    pendingBytes: PendingBytes,
    numbering: Numbering,
    retryTimeout: number,
    tracing: Tracing,
  ) {
    super();
    this.#tracing = tracing;
    const repeat: NodeLinksOptions["repeat"] = (...failed) => this.#publisher.repeat(...failed);
    this.#links = new NodeLinks(
      { ...links, repeat },
      {
        connected: (client, url) => this.#connected(client, url),
        happened: (event) => this.#happened(event),
      },
    );
    this.#picker = picker;
    this.#channels = new NodesChannels(this.#links, select, (event) => this.#happened(event));
    this.#pendingBytes = pendingBytes;
    const pick = (avoided: NodeLink | undefined) => this.#pick(avoided);
    this.#retries = new RetryQueue(pick, pendingBytes, retryTimeout);
    this.#publisher = new NodesPublisher(numbering, this.#retries, pick);
    this.#popper = new NodesPopper(() => this.#inTurn());
    this.#calls = new NodesCalls(() => this.#inTurn());
  }

  /**
   * Resolves when one node is connected.
   *
   * @internal
   */
  start(): Promise<void> {
    return this.#links.start();
  }

  /** The nodes, as they are now. */
  get nodes(): readonly NodeState[] {
    return this.#links.states;
  }

  /** What happens to the nodes from now on. Of what a program does not read, the last 256 events are kept. */
  status(): AsyncFeed<NodesEvent> {
    return this.#events.watch();
  }

  /** Resolves when it has been closed. Nodes that are lost do not end it. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Bytes on their way that no node has confirmed yet, those that wait to be sent again among them. */
  get pendingBytes(): number {
    return this.#pendingBytes.total;
  }

  /**
   * Resolves when there is room: when no more than 4 MiB (or half of `maxPendingBytes`) are on their way to all nodes. A
   * program that publishes without awaiting each message awaits this now and then.
   */
  ready(): Promise<void> {
    return this.#closing === undefined ? this.#pendingBytes.ready() : Promise.reject(closedError());
  }

  /**
   * Publishes a message to a node. When the node is lost before it has confirmed the message, or refuses it for a reason of
   * its own (BUSY, MEMORY_FULL, SHUTTING_DOWN, …), it is sent to another one, until `retryTimeout` is over; then it rejects
   * with the last error. A lost node may have stored the message all the same: when it is sent to that node again it is stored
   * once, and its receipt is a `duplicate`; another node stores it a second time, with another id. A refusal that is about
   * the message (MESSAGE_TOO_LARGE, NO_ROUTE, …) rejects at once.
   *
   * A body of bytes must stay as it is until this resolves, because it may be sent again.
   */
  publish(topic: string, body: Body, options?: PublishOptions): Promise<Receipt> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    if (!this.#tracing.isPublishing) return this.#publisher.publish(topic, body, options);
    return this.#tracing.publish({ topic }, 1, options, (read) => this.#publisher.publish(topic, body, read));
  }

  /**
   * Publishes messages to one node, as `Client.publishBatch` does. When the node is lost or refuses them for a reason of
   * its own, all of them are sent to another one. The bytes must stay as they are until it resolves.
   */
  async publishBatch(topic: string, bodies: readonly Body[], options?: PublishBatchOptions): Promise<BatchReceipt> {
    this.#assertOpen();
    const send = (read?: PublishBatchOptions) => this.#publisher.publishBatch(topic, bodies, read);
    return this.#tracing.isPublishing
      ? this.#tracing.publish({ topic }, Object(bodies).length, options, send)
      : send(options);
  }

  /**
   * Takes messages out of a queue, of the first node that has any; none when there are none. With `wait`, the nodes are
   * waited at in turn, for 100 ms each: `consume` is quicker.
   */
  async pop(topic: string, options: PopOptions = {}): Promise<Message[]> {
    this.#assertNotDraining();
    return this.#popper.pop(topic, readOptions(options, REQUEST_OPTIONS.pop));
  }

  /** Takes dead letters out of a queue, of the first node that has any. */
  async popDead(topic: string, options: PopDeadOptions = {}): Promise<Message[]> {
    this.#assertNotDraining();
    return this.#popper.popDead(topic, readOptions(options, REQUEST_OPTIONS.popDead));
  }

  /**
   * Has the messages of a queue pushed by every node, those included that are connected later. `prefetch` counts for each
   * node. Resolves when one of them does so; rejects when every connected node refuses.
   */
  async consume(topic: string, options: ConsumeOptions = {}): Promise<NodesConsumer> {
    this.#assertNotDraining();
    const consumer = new NodesConsumer(topic, readOptions(options, REQUEST_OPTIONS.consume));
    this.#consumers.add(consumer);
    unobserved(consumer.finished.then(() => this.#consumers.delete(consumer)));
    const answered = Promise.all(this.#links.connected.map(({ client }) => client && consumer.join(client)));
    // One that hangs must not hold up the others.
    await Promise.race([answered, consumer.started]);
    const refusal = consumer.isOver ? await consumer.closed : undefined;
    if (refusal === undefined) return consumer;
    this.#consumers.delete(consumer);
    throw refusal;
  }

  /** As `Client.topic`. */
  topic<S extends StandardSchema>(
    name: string,
    options: TopicOptions<InputOf<S>, OutputOf<S>> & { readonly schema: S },
  ): Topic<InputOf<S>, OutputOf<S>>;
  topic<T = unknown>(name: string, options?: TopicOptions<T>): Topic<T>;
  topic<In, Out>(name: string, options?: TopicOptions<In, Out>): Topic<In, Out> {
    return new Topic(this, name, options);
  }

  /**
   * Runs a handler for each message of a queue of every node, `concurrency` of them at a time in all. As `Client.work`.
   */
  async work(topic: string, handler: WorkHandler, options: WorkOptions = {}): Promise<QueueWorker> {
    const traced = this.#tracing.handling({ topic }, handler);
    const consume = (read: ConsumeOptions) => this.consume(topic, read);
    return this.#workers.start(topic, traced, options, consume, true);
  }

  /**
   * Publishes a message to a channel: on all nodes that it is on (`select`), each of which tells what became of it there.
   * Rejects when none of them takes it, with why the last did not. It is not sent a second time, which could show
   * subscribers a message twice.
   */
  publishToChannel(channel: string, body: Body, options?: ChannelPublishOptions): Promise<NodesChannelReceipt> {
    try {
      this.#assertOpen();
      return this.#channels.publish(channel, body, options);
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  /**
   * Has the messages of a channel pushed by every node that it is on (`select`), those included that are connected later. A
   * node that was lost goes on from where it was, as far as it still has what came since. `credit` counts for each node.
   * `from` is `now`, `start` or a Date: positions are each node's own.
   */
  async subscribe(channel: string, options: SubscribeOptions = {}): Promise<NodesSubscription> {
    this.#assertNotDraining();
    return this.#channels.subscribe(channel, options);
  }

  /**
   * Sends a request to a responder of a channel, on the first node that has one with room; nodes take turns to be asked first.
   * As `Client.request` otherwise.
   */
  async request(channel: string, body: Body, options?: RequestOptions): Promise<Reply> {
    this.#assertOpen();
    return this.#calls.request(channel, body, options);
  }

  /**
   * Has the requests to a channel handled that come to any node, those included that are connected later. `concurrency` counts
   * for each node. Resolves when one of them does so; rejects when every node would refuse.
   */
  async respond(channel: string, handler: RequestHandler, options?: RespondOptions): Promise<NodesResponder> {
    this.#assertNotDraining();
    return this.#calls.respond(channel, handler, options);
  }

  /**
   * Ends in order: consumers stop, their loops read what has come and end, everything is confirmed or has been given up,
   * then the connections are closed. Meanwhile the program may publish and settle. As `Client.drain`.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    const { timeout = DRAIN_TIMEOUT } = readOptions(options, OPTIONS.drain);
    checkTimeout("timeout", timeout);
    this.#draining ??= this.#drain(timeout);
    return this.#draining;
  }

  /**
   * Closes the connections. What was asked for is still sent, but no answer is waited for: what is not answered rejects
   * with CONNECTION_CLOSED, and what waits to be sent again with CLIENT_CLOSED. Resolves within `timeout`.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkTimeout("timeout", readOptions(options, OPTIONS.close).timeout);
    this.#closing ??= this.#end((client) => client.close(options));
    await this.#closing;
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  protected links(): readonly NodeLink[] {
    this.#assertOpen();
    return this.#links.all;
  }

  toJSON(): object {
    return { nodes: this.nodes, pendingBytes: this.pendingBytes };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("NodesClient", this.toJSON(), options, inspect);
  }

  async #drain(timeout: number): Promise<void> {
    const end = performance.now() + timeout;
    const loops = [
      ...[...this.#consumers].map((consumer) => consumer.drainWithClient()),
      this.#workers.drain(),
      this.#channels.drain(),
      this.#calls.drain(),
    ];
    const answered = Promise.allSettled(loops).then(() => this.#settled());
    await within(timeout, Promise.race([answered, this.closed]));
    this.#closing ??= this.#end((client) => client.drain({ timeout: Math.max(0, Math.ceil(end - performance.now())) }));
    await this.#closing;
  }

  /** Resolves when nothing is on its way, nor waits to be sent again. */
  async #settled(): Promise<void> {
    do {
      await this.#pendingBytes.empty();
      await this.#retries.idle();
      // What has just failed is sent again in this turn.
      await new Promise<void>(atEndOfTurn);
    } while (this.#pendingBytes.total > 0 || !this.#retries.isIdle);
  }

  async #end(end: (client: Client) => Promise<void>): Promise<void> {
    this.#retries.close(closedError());
    this.#popper.ended(closedError());
    for (const consumer of this.#consumers) consumer.ended();
    this.#channels.ended();
    this.#calls.ended();
    this.watching.ended();
    await this.#links.close(end);
    this.#events.end();
    this.#closed.resolve();
  }

  #happened(event: NodesEvent): void {
    this.#events.push(event);
    if (event.type === "listed") this.#channels.choose();
  }

  #connected(client: Client, url: string): void {
    for (const consumer of this.#consumers) unobserved(consumer.join(client));
    this.#channels.connected(client, url);
    this.#calls.connected(client);
    this.watching.connected(client, url);
    this.#retries.flush();
  }

  /** A node to publish to, not the avoided one if there is another. */
  #pick(avoided: NodeLink | undefined): NodeLink | undefined {
    const { usable } = this.#links;
    const at = this.#picker(usable);
    const link = usable[at];
    if (link === undefined || link !== avoided) return link;
    return usable[(at + 1) % usable.length];
  }

  /** The connected nodes, beginning with another one each time. */
  #inTurn(): readonly NodeLink[] {
    const { connected } = this.#links;
    const first = this.#turn++ % Math.max(1, connected.length);
    return [...connected.slice(first), ...connected.slice(0, first)];
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #assertNotDraining(): void {
    this.#assertOpen();
    if (this.#draining !== undefined) throw localError("CLIENT_CLOSED", "the client is draining");
  }
}

const closedError = (): RingmqError => localError("CLIENT_CLOSED", "the client was closed");
