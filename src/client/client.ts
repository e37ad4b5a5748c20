/**
 * The client: one connection to one broker.
 */
import { MAX_IN_FLIGHT, MAX_POP_WAIT } from "../protocol/limits.js";
import { Op } from "../protocol/op.js";
import { readBackupSummary, readConfig, readNothing, readStatistics, readTopicPage } from "./admin/results.js";
import { badArgument, checkDuration, checkObject, checkTimeout, readList } from "./arguments/argument-checks.js";
import { readConnect } from "./arguments/connect-checks.js";
import { OPTIONS, readOptions } from "./arguments/option-reader.js";
import type {
  AnyQueueOptions,
  BackupSummary,
  Body,
  BrowseOptions,
  ChannelPublishOptions,
  ConnectOptions,
  ConsumeOptions,
  DrainOptions,
  NackOptions,
  PopDeadOptions,
  PopOptions,
  PublishOptions,
  PurgeOptions,
  QueueOptions,
  RedriveOptions,
  SubscribeOptions,
  TopicConfig,
  TopicStatistics,
  TouchOptions,
} from "./arguments/options.js";
import { RequestChecks } from "./arguments/request-checks.js";
import { deferred, unobserved } from "./base/deferred.js";
import { localError, type RingmqError } from "./base/error.js";
import { INSPECT, type Inspect, inspected } from "./base/inspection.js";
import { startTimer } from "./base/timer.js";
import type { Subscription } from "./channels/subscription.js";
import { Subscriptions } from "./channels/subscriptions.js";
import type { Connection } from "./connection/connection.js";
import type { BrokerInfo } from "./connection/hello.js";
import { openConnection } from "./connection/open.js";
import { CountRequest, type PromisedRequest, ResultRequest } from "./connection/pending-request.js";
import { requestHead } from "./connection/request-head.js";
import { Consumer } from "./consume/consumer.js";
import type { Message } from "./consume/message.js";
import { BrowseRequest, PopRequest } from "./consume/pop-request.js";
import { selectIds } from "./consume/selection-list.js";
import { type Settlement, SettleRequest } from "./consume/settle-result.js";
import { Settlers } from "./consume/settlers.js";
import type { StoredMessage } from "./consume/stored-message.js";
import { Publisher } from "./publish/publisher.js";
import type { BatchReceipt, ChannelReceipt, Receipt } from "./publish/receipt.js";

const CONNECT_TIMEOUT = 10_000;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const PREFETCH = 1000;
const DRAIN_TIMEOUT = 30_000;

/** Topics asked for at a time. */
const PAGE = 100;

const isText = (value: unknown): boolean => typeof value === "string";

/** One id or several, in decimal. */
export type Ids = string | readonly string[];

/**
 * A client of a broker, made by `connect`. No method throws: its promise rejects with a RingmqError, whose code is one
 * of the broker's, BAD_ARGUMENT for what the method does not take, CLIENT_BUSY, CONNECTION_CLOSED or CLIENT_CLOSED. What
 * a getter or a Proxy among the arguments throws is the `cause` of a BAD_ARGUMENT.
 */
export class Client {
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #settlers: Settlers;
  readonly #subscriptions: Subscriptions;
  readonly #consumers = new Set<Consumer>();
  readonly #checks: RequestChecks;
  #draining: Promise<void> | undefined;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#checks = new RequestChecks(connection.info.limits.maxNameBytes);
    this.#publisher = new Publisher(connection, this.#checks);
    this.#settlers = new Settlers(connection);
    this.#subscriptions = new Subscriptions(connection);
    // Publishes go before settlements: what an ack lets go of must not be lost while what was made of it is.
    connection.batchers.push(this.#publisher, this.#settlers);
    connection.channels = this.#subscriptions;
    connection.onGoodbye = () => unobserved(this.drain());
    // Those that were stopped are not told by the connection, and what they hold is held no longer.
    unobserved(connection.closed.then(() => this.#dropLeased()));
  }

  /** What the broker told of itself. */
  get info(): BrokerInfo {
    return this.#connection.info;
  }

  /** Resolves when the connection has ended: with why, or with undefined when this program ended it. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#connection.closed;
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
    return this.#ask(Op.PING, [], new ResultRequest(readNothing));
  }

  /**
   * Publishes a message. Resolves when the broker has taken it. What is published in one turn of the event loop travels
   * together, so that a program which does not wait for each message is much faster than one that does. It must still
   * handle the rejection of each, by `Promise.all` or `catch`: one that nobody handles ends a Node program.
   */
  publish(topic: string, body: Body, options?: PublishOptions): Promise<Receipt> {
    return this.#publisher.publish(topic, body, options);
  }

  /**
   * Publishes messages. A batch that fits in a frame (4,096 messages, 16 MiB) is taken whole or refused whole; a longer
   * one is sent as several such, and when one of them is refused others may have been taken. Bytes must stay as they are
   * until it resolves: each frame is written when there is room for it.
   */
  publishBatch(topic: string, bodies: readonly Body[], options?: PublishOptions): Promise<BatchReceipt> {
    return this.#publisher.publishBatch(topic, bodies, options);
  }

  /** Publishes to whoever is subscribed to a channel now. */
  publishToChannel(channel: string, body: Body, options?: ChannelPublishOptions): Promise<ChannelReceipt> {
    return this.#publisher.publishToChannel(channel, body, options);
  }

  /** Takes messages out of a queue; none when there are none. They are held until they are settled or their TTR ends. */
  async pop(topic: string, options: PopOptions = {}): Promise<Message[]> {
    const { queue, max, wait, maxBytes } = this.#checks.pop(topic, options);
    for (let left = wait ?? 0; ; left -= MAX_POP_WAIT) {
      // A broker waits for no longer than a day, and is asked again then.
      const step = left > 0 ? Math.min(left, MAX_POP_WAIT) : wait;
      const messages = await this.#take(Op.POP, topic, queue, [max, step, maxBytes]);
      if (messages.length > 0 || left <= MAX_POP_WAIT) return messages;
    }
  }

  /** Takes dead letters out of a queue. One that is not acked goes back to the dead letters. */
  async popDead(topic: string, options: PopDeadOptions = {}): Promise<Message[]> {
    const { queue, max, maxBytes } = this.#checks.popDead(topic, options);
    return this.#take(Op.POP_DEAD, topic, queue, [max, maxBytes]);
  }

  /** Has the messages of a queue pushed. */
  async consume(topic: string, options: ConsumeOptions = {}): Promise<Consumer> {
    const { queue, prefetch = PREFETCH } = this.#checks.consume(topic, options);
    this.#assertNotDraining();
    const settler = this.#settlers.of(topic, queue);
    const consumer = await Consumer.start(this.#connection, topic, queue, prefetch, settler);
    this.#consumers.add(consumer);
    unobserved(consumer.finished.then(() => this.#consumers.delete(consumer)));
    return consumer;
  }

  /** Has the messages of a channel pushed, from now on. */
  async subscribe(channel: string, options: SubscribeOptions = {}): Promise<Subscription> {
    const read = this.#checks.subscribe(channel, options);
    this.#assertNotDraining();
    return this.#subscriptions.subscribe(channel, read);
  }

  /** Acks messages of which only the ids are known, whoever holds them. */
  async ackById(topic: string, ids: Ids, options: QueueOptions = {}): Promise<Settlement> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    return this.#settle(Op.ACK, topic, queue, ids, []);
  }

  /** Gives back messages of which only the ids are known, whoever holds them. */
  async nackById(topic: string, ids: Ids, options: QueueOptions & NackOptions = {}): Promise<Settlement> {
    const { queue, delay, reject } = this.#checks.nackById(topic, options);
    return this.#settle(Op.NACK, topic, queue, ids, [delay, reject]);
  }

  /** Lets whoever holds them hold messages for longer, of which only the ids are known. */
  async touchById(topic: string, ids: Ids, options: QueueOptions & TouchOptions = {}): Promise<Settlement> {
    const { queue, ttr } = this.#checks.touchById(topic, options);
    return this.#settle(Op.TOUCH, topic, queue, ids, [ttr]);
  }

  /** Drops delayed messages. */
  async cancel(topic: string, ids: Ids, options: AnyQueueOptions = {}): Promise<Settlement> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    return this.#settle(Op.CANCEL, topic, queue, ids, []);
  }

  /** Sets a new delay, in milliseconds from now, of delayed messages. */
  async reschedule(topic: string, ids: Ids, delay: number, options: AnyQueueOptions = {}): Promise<Settlement> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    if (delay === undefined) throw badArgument("delay", delay, "a number of milliseconds");
    checkDuration("delay", delay);
    return this.#settle(Op.RESCHEDULE, topic, queue, ids, [delay]);
  }

  /** Puts dead letters at the tail of their queue, with retry 0. Without ids: all of them. */
  async redrive(topic: string, options: RedriveOptions = {}): Promise<Settlement> {
    const { queue, ids } = this.#checks.topic(topic, options, OPTIONS.redrive);
    if (ids !== undefined) return this.#settle(Op.REDRIVE, topic, queue, ids, []);
    return this.#ask(Op.REDRIVE, [topic, queue], new SettleRequest(0));
  }

  /** Shows messages and changes nothing. */
  async browse(topic: string, options: BrowseOptions = {}): Promise<StoredMessage[]> {
    const { queue, state, offset, max, maxBytes } = this.#checks.browse(topic, options);
    return this.#ask(Op.BROWSE, [topic, queue, state, offset, max, maxBytes], new BrowseRequest());
  }

  /** Drops the messages of a queue. Answers how many. */
  async purge(topic: string, options: PurgeOptions = {}): Promise<number> {
    const { queue, state } = this.#checks.purge(topic, options);
    return this.#ask(Op.PURGE, [topic, queue, state], new CountRequest());
  }

  /** Stops the deliveries of a queue until it is resumed. Publishes, acks and timers go on. */
  async pause(topic: string, options: QueueOptions = {}): Promise<void> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    await this.#ask(Op.PAUSE, [topic, queue], new CountRequest());
  }

  async resume(topic: string, options: QueueOptions = {}): Promise<void> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    await this.#ask(Op.RESUME, [topic, queue], new CountRequest());
  }

  /** Changes how a topic treats its messages; what is not named stays. Answers the whole configuration. */
  async configure(topic: string, config: Partial<TopicConfig>): Promise<TopicConfig> {
    this.#checks.name("topic", topic);
    checkObject("config", config);
    // What it holds is the broker's to judge, and read here once.
    return this.#send(Op.CONFIGURE, requestHead([topic, config], "config"), new ResultRequest(readConfig));
  }

  /** Makes a queue. Rejects with QUEUE_EXISTS when there is one. */
  async declareQueue(topic: string, queue: string): Promise<void> {
    this.#checks.name("topic", topic);
    this.#checks.queue(queue);
    await this.#ask(Op.DECLARE_QUEUE, [topic, queue], new CountRequest());
  }

  /** Deletes a queue. Answers how many messages went with it. */
  async deleteQueue(topic: string, queue: string): Promise<number> {
    this.#checks.name("topic", topic);
    this.#checks.queue(queue);
    return this.#ask(Op.DELETE_QUEUE, [topic, queue], new CountRequest());
  }

  /** Deletes a topic and its queues. Answers how many messages went with it. */
  async deleteTopic(topic: string): Promise<number> {
    this.#checks.name("topic", topic);
    return this.#ask(Op.DELETE_TOPIC, [topic], new CountRequest());
  }

  /** The statistics of a topic. */
  async stats(topic: string): Promise<TopicStatistics> {
    this.#checks.name("topic", topic);
    return this.#ask(Op.STATS, [topic], new ResultRequest(readStatistics));
  }

  /** The statistics of every topic, ordered by name within each shard. They are asked for a page at a time. */
  async *topics(): AsyncGenerator<TopicStatistics, void> {
    for (let shard = 0; shard < this.info.shards; shard++) {
      for (let after = "", more = true; more; ) {
        const page = await this.#ask(Op.TOPICS, [shard, after, PAGE], new ResultRequest(readTopicPage));
        yield* page.topics;
        after = page.topics.at(-1)?.name ?? "";
        more = page.more && after !== "";
      }
    }
  }

  /**
   * Has the broker write a backup of itself into a new directory of its own machine, and resolves when that is done. Only
   * over TCP; rejects with NOT_ALLOWED where the broker listens for other machines, unless it was started to allow it.
   */
  async backup(directory: string): Promise<BackupSummary> {
    if (typeof directory !== "string" || directory === "") throw badArgument("directory", directory, "a path");
    return this.#ask(Op.BACKUP, [directory], new ResultRequest(readBackupSummary));
  }

  /**
   * Ends in order: consumers and subscriptions stop, their loops read what has come and end, everything asked for is
   * answered, then the connection is closed. Meanwhile the program may publish and settle.
   *
   * It can be awaited in a loop as well, after the message at hand has been settled: a loop that is at such a message
   * for a second is taken for one that waits for this. What it has not read goes back to the broker, and it ends when it
   * goes on; what no broker takes back, of a channel or of a topic that acks by itself, it reads before it ends. A loop
   * that holds its message is waited for until `timeout`.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    const { timeout = DRAIN_TIMEOUT } = readOptions(options, OPTIONS.drain);
    checkTimeout("timeout", timeout);
    this.#draining ??= this.#drain(timeout);
    return this.#draining;
  }

  /**
   * Closes the connection. What was asked for is still sent, but no answer is waited for: what is not answered rejects
   * with CONNECTION_CLOSED.
   */
  close(): Promise<void> {
    return this.#connection.close();
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

  async #drain(timeout: number): Promise<void> {
    const enough = deferred<void>();
    const timer = startTimer(timeout, enough.resolve);
    const loops = [
      ...[...this.#consumers].map((consumer) => consumer.drainWithClient()),
      ...this.#subscriptions.all.map((subscription) => subscription.drain()),
    ];
    const answered = Promise.allSettled(loops).then(() => this.#connection.idle());
    await Promise.race([answered, enough.promise, this.closed]);
    timer.cancel();
    await this.close();
  }

  #dropLeased(): void {
    for (const consumer of this.#consumers) consumer.dropLeased();
  }

  #assertNotDraining(): void {
    if (this.#draining !== undefined) throw localError("CLIENT_CLOSED", "the client is draining");
  }

  #take(op: number, topic: string, queue: string | undefined, args: readonly unknown[]): Promise<Message[]> {
    if (this.#draining !== undefined) return Promise.reject(localError("CLIENT_CLOSED", "the client is draining"));
    return this.#ask(op, [topic, queue, ...args], new PopRequest(this.#settlers.of(topic, queue)));
  }

  async #settle(
    op: number,
    topic: string,
    queue: string | undefined,
    ids: Ids,
    args: readonly unknown[],
  ): Promise<Settlement> {
    const list =
      typeof ids === "string"
        ? [ids]
        : readList("ids", ids, "the id of a message as text, or an array of such", isText);
    return this.#settlers.of(topic, queue).settleAll(op, args, selectIds(list), list.length);
  }

  async #ask<T>(op: number, head: readonly unknown[], pending: PromisedRequest<T>): Promise<T> {
    return this.#send(op, requestHead(head), pending);
  }

  async #send<T>(op: number, head: Uint8Array, pending: PromisedRequest<T>): Promise<T> {
    this.#connection.request(op, head, pending);
    return pending.promise;
  }
}

/**
 * Connects to a broker: `tcp://host:port` (port 9503 unless told) or `ws://host:port/mq`. Rejects with CONNECT_FAILED,
 * with the code for which the broker refuses the connection, with ABORTED by `signal`, or with BAD_ARGUMENT.
 */
export const connect = async (url: string, options: ConnectOptions = {}): Promise<Client> => {
  const {
    name,
    signal,
    connectTimeout = CONNECT_TIMEOUT,
    maxInFlight = MAX_IN_FLIGHT,
    maxPendingBytes = MAX_PENDING_BYTES,
  } = readConnect(options);
  return new Client(await openConnection(url, { name, signal, connectTimeout, maxInFlight, maxPendingBytes }));
};
