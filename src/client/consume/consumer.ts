/**
 * A consumer: messages that the broker pushes as long as there is credit.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { Op, RENEW } from "../../protocol/op.js";
import { type Deferred, deferred, unobserved } from "../base/deferred.js";
import { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import type { Connection } from "../connection/connection.js";
import { CountExchange } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { frugalCopy } from "../messages/compact-copy.js";
import { Reading } from "../messages/read-loop.js";
import type { Message } from "./message.js";
import { MessageBatch } from "./message-batch.js";
import { Deliveries, type RunReader, readDeliveries } from "./message-buffer.js";
import type { Settler } from "./settler.js";

/** How long a loop may be at a message that it holds, and at one that it has settled, while it is drained. Milliseconds. */
const HOLDING = 3000;
const SETTLED = 1000;

/**
 * Messages of a queue, as they come. Iterate it once: `for await (const message of consumer)`, or over `batches()`.
 * Leaving the loop stops it and gives back what it has not read.
 */
export class Consumer implements AsyncIterableIterator<Message> {
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #queue: string | undefined;
  readonly #prefetch: number;
  readonly #settler: Settler;
  readonly #deliveries = new Deliveries();
  readonly #closed = deferred<RingmqError | undefined>();
  readonly #reading = new Reading<Message | MessageBatch>();
  #request = 0;
  /** On topics that ack by themselves: messages that may still come, and those read since it was last added to. */
  #credit: number;
  #read = 0;
  #lapsed = 0;
  #over = false;
  /** Why it ended, until the program has been told. */
  #error: RingmqError | undefined;
  #wake: Deferred<void> | undefined;
  #stopping: Promise<void> | undefined;
  #draining: Promise<void> | undefined;

  private constructor(
    connection: Connection,
    topic: string,
    queue: string | undefined,
    prefetch: number,
    settler: Settler,
  ) {
    this.#connection = connection;
    this.#topic = topic;
    this.#queue = queue;
    this.#prefetch = prefetch;
    this.#credit = prefetch;
    this.#settler = settler;
  }

  /** Asks the broker for messages. Rejects as the CONSUME is refused. */
  static async start(
    connection: Connection,
    topic: string,
    queue: string | undefined,
    prefetch: number,
    settler: Settler,
  ): Promise<Consumer> {
    const consumer = new Consumer(connection, topic, queue, prefetch, settler);
    const exchange = new CountExchange();
    const request = connection.request(Op.CONSUME, requestHead([topic, queue, prefetch]), exchange, RENEW);
    consumer.#request = request;
    // From now on, because messages may come with the answer.
    connection.consumers.set(request, {
      messages: (...runs) => consumer.#arrived(...runs),
      ended: (error) => consumer.#lost(error),
    });
    try {
      await exchange.promise;
    } catch (error) {
      connection.consumers.delete(request);
      throw error;
    }
    return consumer;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /** Resolves when the program has read all there is, or has left. */
  get finished(): Promise<void> {
    return this.#reading.finished;
  }

  /** Messages that have come and are not yet read. */
  get buffered(): number {
    return this.#deliveries.size;
  }

  /**
   * Messages that were given up unread because their leases had ended. It grows when a program takes longer over a
   * prefetch of messages than the topic's TTR: a smaller prefetch helps.
   */
  get lapsed(): number {
    return this.#lapsed;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message. Rejects once when the consumer ended for a reason; `done` after that. */
  next(): Promise<IteratorResult<Message, undefined>> {
    const reading = this.#reading;
    reading.isBegun = true;
    const value = this.#deliveries.shift();
    reading.at = value;
    if (value === undefined) return this.#nextLater();
    if (value.isAcked) this.#renew(1);
    return Promise.resolve({ done: false, value });
  }

  /** Stops it and gives back the messages that were not read. `for await` calls it when the loop is left. */
  async return(): Promise<IteratorResult<Message, undefined>> {
    await this.stop();
    this.#giveBack(this.#deliveries.takeAll());
    this.#reading.finish();
    return { done: true, value: undefined };
  }

  /** The messages in batches: each is all that has come since the last one was read, at most a prefetch of them. */
  async *batches(): AsyncGenerator<MessageBatch, void> {
    this.#reading.isBegun = true;
    try {
      while (await this.#available()) {
        const batch = new MessageBatch(this.#settler, this.#deliveries.takeAll());
        if (batch.leases < batch.size) this.#renew(batch.size - batch.leases);
        this.#reading.at = batch;
        yield batch;
        this.#reading.at = undefined;
      }
    } finally {
      await this.return();
    }
  }

  /** Stops the pushing. What has come can still be read and acked; then the iteration ends. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * Stops it and waits until the program has read what came; what nobody reads is given back.
   *
   * It can be awaited in the loop as well. A loop that is at one message for 3 seconds meanwhile, or for 1 second at one
   * that it has settled, is taken for one that waits for this: what it has not read is given back, and it ends when it
   * goes on. Messages of a topic that acks by itself cannot be given back: it reads those before it ends.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain(HOLDING);
    return this.#draining;
  }

  /**
   * As `drain`, for a client that closes its connection then: however long the loop is at a message that it holds.
   *
   * @internal
   */
  drainWithClient(): Promise<void> {
    return this.#drain(Number.POSITIVE_INFINITY);
  }

  /**
   * The connection has ended: what was leased and is not read is not this program's any longer.
   *
   * @internal
   */
  dropLeased(): void {
    this.#deliveries.dropLeased();
  }

  toJSON(): object {
    const { buffered, lapsed } = this;
    return { topic: this.#topic, queue: this.#queue, prefetch: this.#prefetch, buffered, lapsed };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Consumer", this.toJSON(), options, inspect);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #arrived(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const own = frugalCopy(bytes, start, end, this.#deliveries.runs);
    const readers =
      own === undefined
        ? readDeliveries(bytes, view, start, end, this.#settler)
        : readDeliveries(own, new DataView(own.buffer), 0, own.length, this.#settler);
    for (const reader of readers) {
      if (reader.run.isAcked) {
        this.#credit -= reader.left;
        if (this.#credit < 0) throw new ProtocolError("BAD_FRAME", "more messages came than there was credit for");
      }
      this.#deliveries.push(reader);
    }
    // The broker counts no more than a prefetch of messages as held here, so that of more the oldest have been taken
    // away by their TTR and are somebody else's now. Without this a program that stands still would gather them all.
    this.#lapsed += this.#deliveries.dropLapsed(this.#prefetch);
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  /** Nothing more will come, and what was leased is not this program's any longer. */
  #lost(error: RingmqError | undefined): void {
    this.#deliveries.dropLeased();
    this.#end(error);
  }

  async #nextLater(): Promise<IteratorResult<Message, undefined>> {
    while (await this.#available()) {
      const value = this.#deliveries.shift();
      if (value === undefined) continue;
      this.#reading.at = value;
      if (value.isAcked) this.#renew(1);
      return { done: false, value };
    }
    return { done: true, value: undefined };
  }

  /** Resolves with true when there are messages to read, with false when there will be none. */
  async #available(): Promise<boolean> {
    while (this.#deliveries.size === 0) {
      if (this.#over) {
        this.#reading.finish();
        const error = this.#error;
        this.#error = undefined;
        if (error !== undefined) throw error;
        return false;
      }
      this.#wake ??= deferred();
      await this.#wake.promise;
    }
    return true;
  }

  async #stop(): Promise<void> {
    if (this.#over) return;
    const exchange = new CountExchange();
    try {
      this.#connection.control(Op.STOP, requestHead([this.#topic, this.#queue, this.#request]), exchange);
      await exchange.promise;
    } catch (error) {
      // Its queue or the connection went before it: it has been told, and it has stopped.
      if (!(error instanceof RingmqError)) throw error;
    }
    this.#connection.consumers.delete(this.#request);
    this.#end(undefined);
  }

  async #drain(holding: number): Promise<void> {
    if (this.#reading.isBegun) await this.stop();
    else await this.return();
    if (await this.#reading.end((at) => (at.isHeld ? holding : SETTLED))) return;
    const unread = this.#deliveries.takeAll();
    this.#giveBack(unread.filter(({ run }) => !run.isAcked));
    for (const reader of unread) if (reader.run.isAcked) this.#deliveries.push(reader);
  }

  #giveBack(readers: readonly RunReader[]): void {
    // If the connection is gone the broker has them back already.
    unobserved(new MessageBatch(this.#settler, readers).nack());
  }

  #end(error: RingmqError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#closed.resolve(error);
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  /** On a topic that acks by itself nothing gives credit back: messages that were read do, half a prefetch at a time. */
  #renew(read: number): void {
    this.#read += read;
    if (this.#over || this.#stopping !== undefined || this.#read < this.#prefetch / 2) return;
    this.#connection.notify(Op.CREDIT, requestHead([this.#topic, this.#queue, this.#request, this.#read]));
    this.#credit += this.#read;
    this.#read = 0;
  }
}
