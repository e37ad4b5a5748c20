/**
 * The client of a broker.
 */
import { Op } from "../protocol/op.js";
import { BrokerAdmin } from "./admin/broker-admin.js";
import { checkTimeout } from "./arguments/argument-checks.js";
import { OPTIONS, readOptions } from "./arguments/option-reader.js";
import type {
  AnyQueueOptions,
  Body,
  BrowseOptions,
  ChannelPublishOptions,
  CloseOptions,
  ConsumeOptions,
  DrainOptions,
  FindOptions,
  NackOptions,
  PopDeadOptions,
  PopOptions,
  PublishBatchOptions,
  PublishOptions,
  PurgeOptions,
  QueueOptions,
  RedriveOptions,
  RequestOptions,
  RespondOptions,
  SubscribeOptions,
  TouchOptions,
} from "./arguments/options.js";
import { PublishChecks } from "./arguments/publish-checks.js";
import type { AsyncFeed } from "./base/async-feed.js";
import { unobserved } from "./base/deferred.js";
import { localError, type RingmqError } from "./base/error.js";
import { EventHub } from "./base/event-hub.js";
import { INSPECT, type Inspect, inspected } from "./base/inspection.js";
import { within } from "./base/timer.js";
import { Calls } from "./calls/calls.js";
import type { RequestHandler } from "./calls/handler.js";
import type { Reply } from "./calls/reply.js";
import type { Responder } from "./calls/responder.js";
import type { Subscription } from "./channels/subscription.js";
import { Subscriptions } from "./channels/subscriptions.js";
import type { ClientParts } from "./client-parts.js";
import { look } from "./connection/ask.js";
import type { Connection } from "./connection/connection.js";
import type { BrokerInfo } from "./connection/hello.js";
import { ResultRequest } from "./connection/pending-request.js";
import type { ConnectionStatus } from "./connection/status.js";
import type { Consumer } from "./consume/consumer.js";
import type { FoundMessage } from "./consume/found-message.js";
import type { Ids } from "./consume/id-settler.js";
import type { Keys } from "./consume/key-settler.js";
import type { Message } from "./consume/message.js";
import { MessageSearch } from "./consume/message-search.js";
import { Queues } from "./consume/queues.js";
import type { Settlement } from "./consume/settle-result.js";
import type { StoredMessage } from "./consume/stored-message.js";
import { DeadLetters } from "./dead-letters/dead-letters.js";
import { BatchPublisher } from "./publish/batch-publisher.js";
import { Publisher } from "./publish/publisher.js";
import type { BatchReceipt, ChannelReceipt, Receipt } from "./publish/receipt.js";
import type { InputOf, OutputOf, StandardSchema } from "./topics/standard-schema.js";
import { Topic, type TopicOptions } from "./topics/topic.js";
import type { Tracing } from "./tracing/tracing.js";
import type { QueueWorker } from "./work/queue-worker.js";
import type { WorkHandler, WorkOptions } from "./work/work-options.js";
import { Workers } from "./work/workers.js";

const DRAIN_TIMEOUT = 30_000;

/**
 * A client of a broker, made by `connect`. When it loses the broker it connects again, and goes on:
 *
 * - Consumers, subscriptions and responders go on by themselves, at the next broker as at the same. They end with an error
 *   that another attempt would not change: a queue that is not there, a wrong name.
 * - What was published and not confirmed is sent again, in its order, as is what is published meanwhile; a broker stores each
 *   message once (`Receipt.duplicate`). Another broker of a list knows nothing of the first, which may have stored it as well.
 *   What was published to a channel, and sent, is not sent again: it rejects with CONNECTION_CLOSED.
 * - Requests that change nothing are made again. Others that had been sent reject with CONNECTION_CLOSED. What is asked for
 *   while there is no connection waits for one: see `publishTimeout`, `requestTimeout`, `maxPendingBytes`.
 * - Messages in hand belong to the broker again: settling those that a consumer got rejects, with CONNECTION_CLOSED or LEASE_LOST.
 *
 * No method throws: its promise rejects with a RingmqError, whose code is one of the broker's or one of the client's own. What a
 * getter or a Proxy among the arguments throws is the `cause` of a BAD_ARGUMENT.
 */
export class Client extends BrokerAdmin {
  readonly #connection: Connection;
  /** @internal */ readonly publisher: Publisher;
  /** @internal */ readonly batchPublisher: BatchPublisher;
  readonly #queues: Queues;
  readonly #subscriptions: Subscriptions;
  readonly #calls: Calls;
  readonly #workers = new Workers();
  readonly #tracing: Tracing | undefined;
  readonly #statuses: EventHub<ConnectionStatus>;
  /** Throws when nothing that brings messages may be begun any more. */
  readonly #assertTaking = (): void => {
    if (this.#refusal !== undefined) throw this.#refusal;
  };
  #draining: Promise<void> | undefined;
  /** Why nothing is begun any more that brings messages. */
  #refusal: RingmqError | undefined;
  /**
   * Called when the broker is about to stop, before this leaves it.
   *
   * @internal
   */
  onGoodbye: (() => void) | undefined;

  /** @internal */
  constructor(connection: Connection, parts: ClientParts = {}) {
    const { url = "", numbering, statuses = new EventHub(), tracing } = parts;
    super(connection);
    const checks = new PublishChecks(connection.info.limits.maxNameBytes);
    this.#connection = connection;
    this.#tracing = tracing;
    this.publisher = new Publisher(connection, checks, numbering);
    this.batchPublisher = new BatchPublisher(connection, checks, numbering);
    // Publishes go first: messages made from an acked one must be sent before its ack.
    connection.batchers.push(this.publisher);
    this.#queues = new Queues(connection, this.#assertTaking);
    this.#subscriptions = new Subscriptions(connection, this.#assertTaking);
    this.#calls = new Calls(connection, this.#assertTaking);
    connection.channels = this.#subscriptions;
    connection.onGoodbye = (reason) => {
      this.onGoodbye?.();
      if (connection.revival === undefined) this.#leaveBroker(reason);
      else this.#moveOn(reason);
    };
    this.#statuses = statuses;
    statuses.last ??= { type: "connected", url, info: connection.info };
    unobserved(connection.closed.then((error) => statuses.end({ type: "closed", error })));
  }

  /** What the broker told of itself that it is connected to, or was last. */
  get info(): BrokerInfo {
    return this.#connection.info;
  }

  /**
   * Resolves when the client is closed: with undefined by its program, with an error when there is no connection for longer than
   * `reconnect.timeout`, or when the broker refuses what this program does. With `reconnect: false`, with why the
   * connection has ended.
   */
  get closed(): Promise<RingmqError | undefined> {
    return this.#connection.closed;
  }

  /**
   * How it is connected: now, and from now on. Any number of readers may watch; of what one does not read, the last 256 are kept.
   * It ends with the client.
   */
  status(): AsyncFeed<ConnectionStatus> {
    return this.#statuses.watch(this.#statuses.last);
  }

  /** Bytes on their way that the broker has not answered yet; see `maxPendingBytes`. */
  get pendingBytes(): number {
    return this.#connection.pendingBytes.total;
  }

  /**
   * Resolves when there is room: when no more than 4 MiB (or half of `maxPendingBytes`) are on their way, which keeps a
   * broker busy. A program that publishes without awaiting each message awaits this now and then.
   */
  ready(): Promise<void> {
    return this.#connection.pendingBytes.ready();
  }

  /** Resolves when the broker has answered. */
  ping(): Promise<void> {
    return look(this.#connection, Op.PING, [], new ResultRequest(() => {}));
  }

  /**
   * Publishes a message. Resolves when the broker has taken it. What is published in one turn of the event loop travels
   * together, so that a program which does not wait for each message is much faster than one that does. It must still
   * handle the rejection of each, by `Promise.all` or `catch`: one that nobody handles ends a Node program.
   */
  publish(topic: string, body: Body, options?: PublishOptions): Promise<Receipt> {
    if (this.#tracing?.isPublishing !== true) return this.publisher.publish(topic, body, options);
    return this.#tracing.publish({ topic }, 1, options, (read) => this.publisher.publish(topic, body, read));
  }

  /**
   * Publishes messages. A batch that fits in a frame (4,096 messages, 16 MiB) is taken whole or refused whole; a longer
   * one is sent as several such, and when one of them is refused others may have been taken. Bytes must stay as they are
   * until it resolves: each frame is written when there is room for it.
   */
  publishBatch(topic: string, bodies: readonly Body[], options?: PublishBatchOptions): Promise<BatchReceipt> {
    if (this.#tracing?.isPublishing !== true) return this.batchPublisher.publish(topic, bodies, options);
    const send = (read?: PublishBatchOptions) => this.batchPublisher.publish(topic, bodies, read);
    return this.#tracing.publish({ topic }, Object(bodies).length, options, send);
  }

  /**
   * Publishes to whoever is subscribed to a channel now; on a channel that is kept, to those as well who read it later: then
   * it resolves when the message is as durable as the channel asks. Subscribers with the policy `block` may delay it.
   */
  publishToChannel(channel: string, body: Body, options?: ChannelPublishOptions): Promise<ChannelReceipt> {
    if (this.#tracing?.isPublishing !== true) return this.publisher.publishToChannel(channel, body, options);
    const send = (read?: ChannelPublishOptions) => this.publisher.publishToChannel(channel, body, read);
    return this.#tracing.publish({ channel }, 1, options, send);
  }

  /** Takes messages out of a queue; none when there are none. They are held until they are settled or their TTR ends. */
  pop(topic: string, options: PopOptions = {}): Promise<Message[]> {
    return this.#queues.pop(topic, options);
  }

  /** Takes dead letters out of a queue. One that is not acked goes back to the dead letters. */
  popDead(topic: string, options: PopDeadOptions = {}): Promise<Message[]> {
    return this.#queues.popDead(topic, options);
  }

  /** Has the messages of a queue pushed. */
  consume(topic: string, options: ConsumeOptions = {}): Promise<Consumer> {
    return this.#queues.consume(topic, options);
  }

  /**
   * Runs a handler for each message of a queue, `concurrency` of them at a time: a message is acked when its handler has
   * returned, and given back when it has thrown. Its lease is renewed as long as the handler runs, even one that blocks the
   * event loop.
   */
  async work(topic: string, handler: WorkHandler, options: WorkOptions = {}): Promise<QueueWorker> {
    const traced = this.#tracing?.handling({ topic }, handler) ?? handler;
    const consume = (read: ConsumeOptions) => this.consume(topic, read);
    return this.#workers.start(topic, traced, options, consume, this.#connection.target !== undefined);
  }

  /**
   * Has the messages of a channel pushed, from now on or from wherever the options say. Without options, a program may
   * subscribe to a channel several times: see `SubscribeOptions.from`.
   */
  subscribe(channel: string, options: SubscribeOptions = {}): Promise<Subscription> {
    return this.#subscriptions.subscribe(channel, options);
  }

  /**
   * A topic whose messages are values: of a type that the program names, or that a schema checks at either end.
   *
   * ```ts
   * const orders = client.topic("orders", { schema: z.object({ id: z.number() }) });
   * await orders.publish({ id: 7 });
   * for await (const message of await orders.consume()) await ship(message.value.id);
   * ```
   */
  topic<S extends StandardSchema>(
    name: string,
    options: TopicOptions<InputOf<S>, OutputOf<S>> & { readonly schema: S },
  ): Topic<InputOf<S>, OutputOf<S>>;
  topic<T = unknown>(name: string, options?: TopicOptions<T>): Topic<T>;
  topic<In, Out>(name: string, options?: TopicOptions<In, Out>): Topic<In, Out> {
    return new Topic(this, name, options);
  }

  /**
   * Sends a request to one of a channel's responders, and resolves with its reply. Rejects at once with NO_RESPONDER when there
   * is none, with REQUEST_TIMEOUT, with RESPONDER_FAILED when the handler has thrown (`cause` has the name and message), with
   * RESPONDER_LOST when the responder's connection ended, and with BUSY when too many requests wait for a responder. After
   * REQUEST_TIMEOUT, RESPONDER_LOST and CONNECTION_CLOSED nobody knows whether it was carried out.
   */
  request(channel: string, body: Body, options?: RequestOptions): Promise<Reply> {
    if (this.#tracing?.isPublishing !== true) return this.#calls.request(channel, body, options);
    return this.#tracing.publish({ channel }, 1, options, (read) => this.#calls.request(channel, body, read));
  }

  /**
   * Has the requests to a channel handled, over each connection. Each goes to one of the channel's responders, of all
   * clients: to the one that is at the fewest. What the handler returns is the reply.
   */
  respond(channel: string, handler: RequestHandler, options: RespondOptions = {}): Promise<Responder> {
    const traced: RequestHandler = this.#tracing?.handling({ channel }, handler) ?? handler;
    return this.#calls.respond(channel, traced, options);
  }

  /** Acks messages of which only the ids are known, whoever holds them. */
  ackById(topic: string, ids: Ids, options: QueueOptions = {}): Promise<Settlement> {
    return this.#queues.ack(topic, ids, options);
  }

  /** Gives back messages of which only the ids are known, whoever holds them. */
  nackById(topic: string, ids: Ids, options: QueueOptions & NackOptions = {}): Promise<Settlement> {
    return this.#queues.nack(topic, ids, options);
  }

  /** Lets whoever holds them hold messages for longer, of which only the ids are known. */
  touchById(topic: string, ids: Ids, options: QueueOptions & TouchOptions = {}): Promise<Settlement> {
    return this.#queues.touch(topic, ids, options);
  }

  /**
   * Drops delayed messages; of those that are named by their key, `{ key }`, also ready and dead ones. What is in flight is its
   * consumer's: MESSAGE_IN_FLIGHT among the faults.
   */
  cancel(topic: string, messages: Ids | Keys, options: AnyQueueOptions = {}): Promise<Settlement> {
    return this.#queues.cancel(topic, messages, options);
  }

  /** Sets a new delay, in milliseconds from now, of delayed messages; of those that are named by their key, also of ready ones. */
  reschedule(topic: string, messages: Ids | Keys, delay: number, options: AnyQueueOptions = {}): Promise<Settlement> {
    return this.#queues.reschedule(topic, messages, delay, options);
  }

  /** Makes delayed messages ready at once. */
  runNow(topic: string, messages: Ids | Keys, options: AnyQueueOptions = {}): Promise<Settlement> {
    return this.#queues.reschedule(topic, messages, 0, options);
  }

  /** Shows the message that has an id or a key, in whichever state and queue it is; undefined: there is none. */
  lookup(topic: string, message: string | { readonly key: string }): Promise<FoundMessage | undefined> {
    return this.#queues.lookup(topic, message);
  }

  /** Puts dead letters at the tail of their queue, with retry 0. Without ids: all of them. */
  redrive(topic: string, options: RedriveOptions = {}): Promise<Settlement> {
    return this.#queues.redrive(topic, options);
  }

  /** The dead letters of a queue: what they have died of, and ways to send them on again. Throws BAD_ARGUMENT. */
  deadLetters(topic: string, options: QueueOptions = {}): DeadLetters {
    return new DeadLetters(this, async () => this, topic, options);
  }

  /** Drops the messages of a queue. Answers how many. */
  purge(topic: string, options: PurgeOptions = {}): Promise<number> {
    return this.#queues.purge(topic, options);
  }

  /** Shows messages and changes nothing. */
  browse(topic: string, options: BrowseOptions = {}): Promise<StoredMessage[]> {
    return this.#queues.browse(topic, options);
  }

  /**
   * Looks for messages of a queue, by a header, a text in the body, or the route key, all of which must be as they are given. The
   * broker looks through the queue a part at a time, while others go on. Throws BAD_ARGUMENT.
   *
   * ```ts
   * for await (const { id, state } of client.find("orders", { header: { name: "order", value: "4711" } })) console.log(id, state);
   * ```
   */
  find(topic: string, options: FindOptions = {}): MessageSearch {
    return new MessageSearch(this.#connection, topic, options);
  }

  /**
   * Ends in order: consumers, subscriptions and responders stop, their loops and handlers finish with what has come,
   * everything asked for is answered, then the connection is closed. Meanwhile the program may publish and settle.
   *
   * It can be awaited in a loop as well, after the message at hand has been settled: a loop that is at such a message
   * for a second is taken for one that waits for this. What it has not read goes back to the broker, and it ends when it
   * goes on; what no broker takes back, of a channel or of a topic that acks by itself, it reads before it ends. A loop
   * that holds its message is waited for until `timeout`.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    const { timeout = DRAIN_TIMEOUT } = readOptions(options, OPTIONS.drain);
    checkTimeout("timeout", timeout);
    this.#refusal ??= localError("CLIENT_CLOSED", "the client is draining");
    if (this.#draining === undefined) this.#statuses.push({ type: "draining", reason: undefined });
    this.#draining ??= this.#drain(timeout);
    return this.#draining;
  }

  /**
   * Closes the connection, and makes no other. What was asked for is still sent, but no answer is waited for: what is not
   * answered rejects with CONNECTION_CLOSED. Resolves within `timeout`, whatever the broker does.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { timeout } = readOptions(options, OPTIONS.close);
    checkTimeout("timeout", timeout);
    this.publisher.leave();
    await this.#connection.close(timeout);
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toJSON(): object {
    const { server, nodeId, shards } = this.info;
    return { server, nodeId, shards, pendingBytes: this.pendingBytes };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Client", this.toJSON(), options, inspect);
  }

  async #drain(timeout: number, subscriptions = this.#subscriptions.all): Promise<void> {
    const loops = [
      this.#queues.drain(),
      ...subscriptions.map((subscription) => subscription.drain()),
      this.#workers.drain(),
      this.#calls.stop(undefined),
    ];
    const answered = Promise.allSettled(loops).then(() => this.#connection.idle());
    await within(timeout, Promise.race([answered, this.closed]));
    await this.close();
  }

  /**
   * The broker is about to close the connection. What nobody has read goes back to it now: it would be refused later. What
   * the program is at can still be settled.
   */
  #leaveBroker(reason: RingmqError): void {
    this.#refusal ??= reason;
    const subscriptions = this.#subscriptions.all;
    this.#queues.shutDown(reason);
    for (const subscription of subscriptions) subscription.shutDown(reason);
    unobserved(this.#calls.stop(reason));
    this.#draining ??= this.#drain(DRAIN_TIMEOUT, subscriptions);
    unobserved(this.#draining);
  }

  /** The broker is about to stop: consumers give back what nobody has read, and go on at the next one. */
  #moveOn(reason: RingmqError): void {
    this.#statuses.push({ type: "draining", reason });
    this.#connection.leave();
    this.#queues.moveOn();
  }
}
