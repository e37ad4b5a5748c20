/**
 * Who is there: connections as far as they have something in this shard, their consumers and waiting pops, and the
 * numbers that extents name their holders by.
 */
import { ProtocolError } from "../../protocol/errors.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { ConnectionEntry, Consumer } from "./consumer.js";

export class Roster {
  readonly #connections = new Map<number, ConnectionEntry>();
  readonly #freeNumbers: number[] = [];
  /** Consumers, waiting pops and subscriptions. */
  #count = 0;

  constructor(
    readonly store: Store,
    readonly maxConsumers: number,
    /** Of them, those that one connection may have. */
    readonly maxPerConnection: number,
  ) {}

  get connections(): Iterable<ConnectionEntry> {
    return this.#connections.values();
  }

  find(number: number): ConnectionEntry | undefined {
    return this.#connections.get(number);
  }

  /** The connection of that number; call `tidy` when something of it has gone. */
  use(number: number): ConnectionEntry {
    let connection = this.#connections.get(number);
    if (connection === undefined) {
      connection = new ConnectionEntry(number);
      this.#connections.set(number, connection);
    }
    return connection;
  }

  /** Forgets a connection that has nothing in the shard any more. */
  tidy(connection: ConnectionEntry): void {
    if (connection.isIdle) this.#connections.delete(connection.number);
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

  dismiss(): void {
    this.#count--;
  }

  /** A consumer (`popBytes` 0) or a pop that waits. Throws TOO_MANY_CONSUMERS. */
  add(
    connection: ConnectionEntry,
    request: number,
    queue: Queue,
    credit: number,
    renew: boolean,
    popBytes: number,
  ): Consumer {
    this.admit(connection);
    const { consumers } = this.store;
    const number = this.#freeNumbers.pop() ?? consumers.length;
    const consumer = new Consumer(number, connection, request, queue, credit, renew, popBytes);
    consumers[number] = consumer;
    queue.consumers.add(consumer);
    if (consumer.isPop) connection.waitingPops.add(consumer);
    else connection.consumers.set(request, consumer);
    return consumer;
  }

  /** Ends a consumer or a waiting pop. What it holds stays with it until it is settled or given back. */
  stop(consumer: Consumer): void {
    const { connection, queue } = consumer;
    queue.waiting.leave(consumer);
    queue.topic.usedAt = this.store.now;
    consumer.stopped = true;
    if (consumer.isPop) connection.waitingPops.delete(consumer);
    else connection.consumers.delete(consumer.request);
    if (consumer.heldCount === 0) this.remove(consumer);
    else connection.stopped.add(consumer);
  }

  /** Forgets a stopped consumer that holds nothing. */
  remove(consumer: Consumer): void {
    const { connection, queue, number } = consumer;
    connection.stopped.delete(consumer);
    queue.consumers.delete(consumer);
    this.store.consumers[number] = undefined;
    this.#freeNumbers.push(number);
    this.dismiss();
    this.tidy(connection);
  }
}
