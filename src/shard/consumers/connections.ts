/**
 * The connections that have something in this shard, their consumers and waiting pops, and the numbers by which extents
 * name who holds them.
 */
import { Fifo } from "../../collections/fifo.js";
import { ProtocolError } from "../../protocol/errors.js";
import { TopicPatterns } from "../../protocol/topic-pattern.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { ConnectionEntry, Consumer, type ConsumerOwner, ConsumerSet, type ConsumerTerms } from "./consumer.js";

export class Connections implements ConsumerOwner {
  /** By number; the store sees it as its table of holders. */
  readonly consumers: (Consumer | undefined)[] = [];
  /** The consumers of queues that may have something to hand out, in the order in which they are served. */
  readonly scheduled = new Fifo<ConsumerSet>();
  readonly #byNumber = new Map<number, ConnectionEntry>();
  /** What the clients of connections call themselves, those that do. */
  readonly #names = new Map<number, string>();
  /** What lists show connections, those that are not shown all. */
  readonly #sights = new Map<number, TopicPatterns>();
  readonly #freeNumbers: number[] = [];
  /** Consumers, waiting pops and subscriptions. */
  #count = 0;

  constructor(
    readonly store: Store,
    readonly maxConsumers: number,
    /** How many of these one connection may have. */
    readonly maxPerConnection: number,
  ) {
    store.holders = this.consumers;
  }

  name(connection: number, name: string): void {
    this.#names.set(connection, name);
  }

  /** Empty: it has said nothing. */
  nameOf(connection: number): string {
    return this.#names.get(connection) ?? "";
  }

  sees(connection: number, patterns: readonly string[]): void {
    this.#sights.set(connection, new TopicPatterns(patterns));
  }

  /** What lists show it. Undefined: all. */
  sightOf(connection: number): TopicPatterns | undefined {
    return this.#sights.get(connection);
  }

  /** A connection is gone. */
  forget(connection: number): void {
    this.#names.delete(connection);
    this.#sights.delete(connection);
  }

  get all(): Iterable<ConnectionEntry> {
    return this.#byNumber.values();
  }

  find(number: number): ConnectionEntry | undefined {
    return this.#byNumber.get(number);
  }

  /** The connection of that number, made if it is new. Call `tidy` when something of it has ended. */
  use(number: number): ConnectionEntry {
    let connection = this.#byNumber.get(number);
    if (connection === undefined) {
      connection = new ConnectionEntry(number);
      this.#byNumber.set(number, connection);
    }
    return connection;
  }

  /** Forgets a connection that has nothing in the shard any more. */
  tidy(connection: ConnectionEntry): void {
    if (connection.isIdle) this.#byNumber.delete(connection.number);
  }

  /** The consumers of a queue, made with the first who asks. */
  consumersOf(queue: Queue): ConsumerSet {
    if (queue.consumers instanceof ConsumerSet) return queue.consumers;
    const consumers = new ConsumerSet(queue, this);
    queue.consumers = consumers;
    return consumers;
  }

  schedule(consumers: ConsumerSet): void {
    this.scheduled.push(consumers);
  }

  /** Counts a consumer, a waiting pop or a subscription of a connection. Throws TOO_MANY_CONSUMERS. */
  admit(connection: ConnectionEntry): void {
    if (this.#count >= this.maxConsumers) {
      throw new ProtocolError("TOO_MANY_CONSUMERS", `the shard has its maximum of ${this.maxConsumers} consumers`);
    }
    if (connection.size >= this.maxPerConnection) {
      this.tidy(connection);
      throw new ProtocolError(
        "TOO_MANY_CONSUMERS",
        `the connection has its share of ${this.maxPerConnection} consumers, waiting pops and subscriptions of a shard: raise --max-consumers-per-connection`,
      );
    }
    this.#count++;
  }

  /** One that was admitted has ended. */
  dismiss(): void {
    this.#count--;
  }

  /** Begins a consumer or a pop that waits. Throws TOO_MANY_CONSUMERS. */
  add(connection: ConnectionEntry, request: number, queue: Queue, terms: ConsumerTerms): Consumer {
    this.admit(connection);
    const { consumers } = this;
    const peers = this.consumersOf(queue);
    const number = this.#freeNumbers.pop() ?? consumers.length;
    const consumer = new Consumer(number, connection, this.nameOf(connection.number), request, peers, terms);
    consumers[number] = consumer;
    peers.holders.add(consumer);
    if (consumer.isPop) connection.waitingPops.add(consumer);
    else connection.consumers.set(request, consumer);
    return consumer;
  }

  /** Ends a consumer or a waiting pop. What it holds stays with it until it is settled or given back. */
  stop(consumer: Consumer): void {
    const { connection, peers } = consumer;
    peers.leave(consumer);
    peers.queue.topic.usedAt = this.store.now;
    consumer.stopped = true;
    if (consumer.isPop) connection.waitingPops.delete(consumer);
    else connection.consumers.delete(consumer.request);
    if (consumer.heldCount === 0) this.remove(consumer);
    else {
      connection.stopped.add(consumer);
      connection.stoppedByRequest.set(consumer.request, consumer);
    }
  }

  /** Forgets a stopped consumer that holds nothing. */
  remove(consumer: Consumer): void {
    const { connection, peers, number } = consumer;
    connection.stopped.delete(consumer);
    if (connection.stoppedByRequest.get(consumer.request) === consumer) {
      connection.stoppedByRequest.delete(consumer.request);
    }
    peers.holders.delete(consumer);
    this.consumers[number] = undefined;
    this.#freeNumbers.push(number);
    this.dismiss();
    this.tidy(connection);
  }
}
