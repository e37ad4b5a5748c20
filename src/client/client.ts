/**
 * The client: one connection to one broker.
 */
import { MAX_IN_FLIGHT } from "../protocol/limits.js";
import { Op } from "../protocol/op.js";
import type { Connection } from "./connection.js";
import { Consumer } from "./consumer.js";
import { deferred } from "./deferred.js";
import { localError, type RingmqError } from "./error.js";
import { CountExchange, type PromisedExchange, ResultExchange } from "./exchange.js";
import type { BrokerInfo } from "./hello.js";
import type { Message, StoredMessage } from "./message.js";
import { BrowseExchange, PopExchange } from "./messages-exchange.js";
import { openConnection } from "./open.js";
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
} from "./options.js";
import { Publisher } from "./publisher.js";
import type { BatchReceipt, ChannelReceipt, Receipt } from "./receipt.js";
import { requestHead } from "./request-head.js";
import { selectIds } from "./selections.js";
import { SettleExchange, type Settlement } from "./settlement.js";
import { Settlers } from "./settler.js";
import { readBackupSummary, readConfig, readNothing, readStatistics, readTopicPage } from "./statistics.js";
import type { Subscription } from "./subscription.js";
import { Subscriptions } from "./subscriptions.js";

const CONNECT_TIMEOUT = 10_000;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const PREFETCH = 1000;
const DRAIN_TIMEOUT = 30_000;

/** Topics asked for at a time. */
const PAGE = 100;

/** One id or several, in decimal. */
export type Ids = string | readonly string[];

/**
 * A client of a broker, made by `connect`. Every method's promise rejects with a RingmqError: with the broker's code,
 * or with CLIENT_BUSY, CONNECTION_CLOSED or CLIENT_CLOSED.
 */
export class Client {
  readonly #connection: Connection;
  readonly #publisher: Publisher;
  readonly #settlers: Settlers;
  readonly #subscriptions: Subscriptions;
  readonly #consumers = new Set<Consumer>();
  #draining: Promise<void> | undefined;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#publisher = new Publisher(connection);
    this.#settlers = new Settlers(connection);
    this.#subscriptions = new Subscriptions(connection);
    // Publishes go before settlements: what an ack lets go of must not be lost while what was made of it is.
    connection.gatherers.push(this.#publisher, this.#settlers);
    connection.channels = this.#subscriptions;
    connection.onGoodbye = () => void this.drain();
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
    return this.#connection.allowance.held;
  }

  /**
   * Resolves when there is room: when no more than 4 MiB (or half of `maxPendingBytes`) are on their way, which keeps a
   * broker busy. A program that publishes without awaiting each message awaits this now and then.
   */
  ready(): Promise<void> {
    return this.#connection.allowance.ready();
  }

  /** Resolves when the broker has answered. */
  ping(): Promise<void> {
    return this.#ask(Op.PING, [], new ResultExchange(readNothing));
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
   * one is sent as several such, and when one of them is refused others may have been taken.
   */
  publishBatch(topic: string, bodies: readonly Body[], options: PublishOptions = {}): Promise<BatchReceipt> {
    return this.#publisher.publishBatch(topic, bodies, options);
  }

  /** Publishes to whoever is subscribed to a channel now. */
  publishToChannel(channel: string, body: Body, options?: ChannelPublishOptions): Promise<ChannelReceipt> {
    return this.#publisher.publishToChannel(channel, body, options);
  }

  /** Takes messages out of a queue; none when there are none. They are held until they are settled or their TTR ends. */
  pop(topic: string, { queue, max, wait, maxBytes }: PopOptions = {}): Promise<Message[]> {
    return this.#take(Op.POP, topic, queue, [max, wait, maxBytes]);
  }

  /** Takes dead letters out of a queue. One that is not acked goes back to the dead letters. */
  popDead(topic: string, { queue, max, maxBytes }: PopDeadOptions = {}): Promise<Message[]> {
    return this.#take(Op.POP_DEAD, topic, queue, [max, maxBytes]);
  }

  /** Has the messages of a queue pushed. */
  async consume(topic: string, { queue, prefetch = PREFETCH }: ConsumeOptions = {}): Promise<Consumer> {
    if (!Number.isSafeInteger(prefetch) || prefetch < 1) throw new RangeError(`prefetch is ${prefetch}`);
    this.#assertNotDraining();
    const settler = this.#settlers.of(topic, queue);
    const consumer = await Consumer.start(this.#connection, topic, queue, prefetch, settler);
    this.#consumers.add(consumer);
    void consumer.finished.then(() => this.#consumers.delete(consumer));
    return consumer;
  }

  /** Has the messages of a channel pushed, from now on. */
  async subscribe(channel: string, options: SubscribeOptions = {}): Promise<Subscription> {
    this.#assertNotDraining();
    return this.#subscriptions.subscribe(channel, options);
  }

  /** Acks messages of which only the ids are known, whoever holds them. */
  ackById(topic: string, ids: Ids, { queue }: QueueOptions = {}): Promise<Settlement> {
    return this.#settle(Op.ACK, topic, queue, ids, []);
  }

  /** Gives back messages of which only the ids are known, whoever holds them. */
  nackById(topic: string, ids: Ids, { queue, delay, reject }: QueueOptions & NackOptions = {}): Promise<Settlement> {
    return this.#settle(Op.NACK, topic, queue, ids, [delay, reject]);
  }

  /** Lets whoever holds them hold messages for longer, of which only the ids are known. */
  touchById(topic: string, ids: Ids, { queue, ttr }: QueueOptions & TouchOptions = {}): Promise<Settlement> {
    return this.#settle(Op.TOUCH, topic, queue, ids, [ttr]);
  }

  /** Drops delayed messages. */
  cancel(topic: string, ids: Ids, { queue }: AnyQueueOptions = {}): Promise<Settlement> {
    return this.#settle(Op.CANCEL, topic, queue, ids, []);
  }

  /** Sets a new delay, in milliseconds from now, of delayed messages. */
  reschedule(topic: string, ids: Ids, delay: number, { queue }: AnyQueueOptions = {}): Promise<Settlement> {
    return this.#settle(Op.RESCHEDULE, topic, queue, ids, [delay]);
  }

  /** Puts dead letters at the tail of their queue, with retry 0. Without ids: all of them. */
  redrive(topic: string, { queue, ids }: RedriveOptions = {}): Promise<Settlement> {
    if (ids !== undefined) return this.#settle(Op.REDRIVE, topic, queue, ids, []);
    return this.#ask(Op.REDRIVE, [topic, queue], new SettleExchange(0));
  }

  /** Shows messages and changes nothing. */
  browse(topic: string, options: BrowseOptions = {}): Promise<StoredMessage[]> {
    const { queue, state, offset, max, maxBytes } = options;
    return this.#ask(Op.BROWSE, [topic, queue, state, offset, max, maxBytes], new BrowseExchange());
  }

  /** Drops the messages of a queue. Answers how many. */
  purge(topic: string, { queue, state }: PurgeOptions = {}): Promise<number> {
    return this.#ask(Op.PURGE, [topic, queue, state], new CountExchange());
  }

  /** Stops the deliveries of a queue until it is resumed. Publishes, acks and timers go on. */
  async pause(topic: string, { queue }: QueueOptions = {}): Promise<void> {
    await this.#ask(Op.PAUSE, [topic, queue], new CountExchange());
  }

  async resume(topic: string, { queue }: QueueOptions = {}): Promise<void> {
    await this.#ask(Op.RESUME, [topic, queue], new CountExchange());
  }

  /** Changes how a topic treats its messages; what is not named stays. Answers the whole configuration. */
  configure(topic: string, config: Partial<TopicConfig>): Promise<TopicConfig> {
    return this.#ask(Op.CONFIGURE, [topic, config], new ResultExchange(readConfig));
  }

  /** Makes a queue. Rejects with QUEUE_EXISTS when there is one. */
  async declareQueue(topic: string, queue: string): Promise<void> {
    await this.#ask(Op.DECLARE_QUEUE, [topic, queue], new CountExchange());
  }

  /** Deletes a queue. Answers how many messages went with it. */
  deleteQueue(topic: string, queue: string): Promise<number> {
    return this.#ask(Op.DELETE_QUEUE, [topic, queue], new CountExchange());
  }

  /** Deletes a topic and its queues. Answers how many messages went with it. */
  deleteTopic(topic: string): Promise<number> {
    return this.#ask(Op.DELETE_TOPIC, [topic], new CountExchange());
  }

  /** The statistics of a topic. */
  stats(topic: string): Promise<TopicStatistics> {
    return this.#ask(Op.STATS, [topic], new ResultExchange(readStatistics));
  }

  /** The statistics of every topic, ordered by name within each shard. They are asked for a page at a time. */
  async *topics(): AsyncGenerator<TopicStatistics, void> {
    for (let shard = 0; shard < this.info.shards; shard++) {
      for (let after = "", more = true; more; ) {
        const page = await this.#ask(Op.TOPICS, [shard, after, PAGE], new ResultExchange(readTopicPage));
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
  backup(directory: string): Promise<BackupSummary> {
    return this.#ask(Op.BACKUP, [directory], new ResultExchange(readBackupSummary));
  }

  /**
   * Ends in order: consumers and subscriptions stop, their loops read what has come and end, everything asked for is
   * answered, then the connection is closed. Meanwhile the program may publish and settle.
   */
  drain({ timeout = DRAIN_TIMEOUT }: DrainOptions = {}): Promise<void> {
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

  async #drain(timeout: number): Promise<void> {
    const enough = deferred<void>();
    const timer = setTimeout(enough.resolve, timeout);
    const loops = [...this.#consumers, ...this.#subscriptions.all].map((loop) => loop.drain());
    const answered = Promise.allSettled(loops).then(() => this.#connection.idle());
    await Promise.race([answered, enough.promise, this.closed]);
    clearTimeout(timer);
    await this.close();
  }

  #assertNotDraining(): void {
    if (this.#draining !== undefined) throw localError("CLIENT_CLOSED", "the client is draining");
  }

  #take(op: number, topic: string, queue: string | undefined, args: readonly unknown[]): Promise<Message[]> {
    if (this.#draining !== undefined) return Promise.reject(localError("CLIENT_CLOSED", "the client is draining"));
    return this.#ask(op, [topic, queue, ...args], new PopExchange(this.#settlers.of(topic, queue)));
  }

  async #settle(
    op: number,
    topic: string,
    queue: string | undefined,
    ids: Ids,
    args: readonly unknown[],
  ): Promise<Settlement> {
    const list = typeof ids === "string" ? [ids] : ids;
    return this.#settlers.of(topic, queue).settleAll(op, args, selectIds(list), list.length);
  }

  async #ask<T>(op: number, head: readonly unknown[], exchange: PromisedExchange<T>): Promise<T> {
    this.#connection.request(op, requestHead(head), exchange);
    return exchange.promise;
  }
}

/**
 * Connects to a broker: `tcp://host:port` (port 9503 unless told) or `ws://host:port/mq`. Rejects with CONNECT_FAILED,
 * with the code for which the broker refuses the connection, or with the reason of `signal`.
 */
export const connect = async (url: string, options: ConnectOptions = {}): Promise<Client> =>
  new Client(
    await openConnection(url, {
      name: options.name,
      signal: options.signal,
      connectTimeout: options.connectTimeout ?? CONNECT_TIMEOUT,
      maxInFlight: options.maxInFlight ?? MAX_IN_FLIGHT,
      maxPendingBytes: options.maxPendingBytes ?? MAX_PENDING_BYTES,
    }),
  );
