/**
 * A consumer of a queue on every node.
 */
import type { ConsumeOptions } from "../arguments/options.js";
import { backoff, FIRST_WAIT, MAX_WAIT } from "../base/backoff.js";
import { type Deferred, deferred, unobserved } from "../base/deferred.js";
import { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { within } from "../base/timer.js";
import type { Client } from "../client.js";
import { type Consumer, MAX_STAY_HELD, MAX_STAY_SETTLED } from "../consume/consumer.js";
import type { Message } from "../consume/message.js";
import type { MessageBatch } from "../consume/message-batch.js";
import { ReadLoop } from "../messages/read-loop.js";
import { isForAnotherNode } from "./node-errors.js";

const takeMessage = (consumer: Consumer): Message | undefined => consumer.take();
const takeBatch = (consumer: Consumer): MessageBatch | undefined => consumer.takeBatch();

/**
 * Messages of a queue, from all nodes, as they come; of each node in its order. Iterate it once: `for await (const message
 * of consumer)`, or over `batches()`. Leaving the loop stops it and gives back what it has not read.
 *
 * Nodes that are connected later are consumed as well. When a node is lost, what it had delivered is not this program's
 * any longer: unread messages are dropped, and settling those in hand rejects.
 */
export class NodesConsumer implements AsyncIterableIterator<Message> {
  readonly #topic: string;
  readonly #options: ConsumeOptions;
  readonly #loop = new ReadLoop<Message | MessageBatch>();
  readonly #closed = deferred<RingmqError | undefined>();
  readonly #started = deferred<void>();
  readonly #stopped = deferred<void>();
  /** One for each node that is consumed. */
  #consumers: Consumer[] = [];
  /** The clients of connected nodes, each with the reason for which its node refuses to be consumed. */
  readonly #clients = new Map<Client, RingmqError | undefined>();
  /** Those whose next messages are waited for. */
  readonly #awaited = new Set<Consumer>();
  /** The consumer of the message that the loop is at. */
  #current: Consumer | undefined;
  /** Where to look for the next message first. */
  #next = 0;
  #wake: Deferred<void> | undefined;
  #isOver = false;
  #error: RingmqError | undefined;
  #lapsedBefore = 0;

  /** @internal */
  constructor(topic: string, options: ConsumeOptions) {
    this.#topic = topic;
    this.#options = options;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Resolves when a node is consumed.
   *
   * @internal
   */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Resolves when the program has read all there is, or has left. */
  get finished(): Promise<void> {
    return this.#loop.finished;
  }

  /**
   * No more messages will come.
   *
   * @internal
   */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Messages that have come and are not yet read. */
  get buffered(): number {
    return this.#consumers.reduce((sum, { buffered }) => sum + buffered, 0);
  }

  /** Messages that were given up unread because their leases had ended; see `Consumer.lapsed`. */
  get lapsed(): number {
    return this.#consumers.reduce((sum, { lapsed }) => sum + lapsed, this.#lapsedBefore);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message of any node. Rejects once when every node refuses to be consumed; `done` after that. */
  next(): Promise<IteratorResult<Message, undefined>> {
    const value = this.take();
    return value === undefined ? this.#nextLater() : Promise.resolve({ done: false, value });
  }

  /**
   * The next message that has come from any node; undefined when there is none.
   *
   * @internal
   */
  take(): Message | undefined {
    return this.#take(takeMessage);
  }

  /** As `stop`. `for await` calls it when the loop is left. */
  async return(): Promise<IteratorResult<Message, undefined>> {
    await Promise.all([this.stop(), ...this.#consumers.map((consumer) => consumer.return())]);
    this.#loop.finish();
    return { done: true, value: undefined };
  }

  /** The messages in batches: each is all that has come from one node since it was last asked. */
  async *batches(): AsyncGenerator<MessageBatch, void> {
    try {
      for (;;) {
        const batch = this.#take(takeBatch);
        if (batch !== undefined) yield batch;
        else if (!(await this.available())) return;
      }
    } finally {
      await this.return();
    }
  }

  /** Ends it: what was not read is given back, and the iteration ends. As `Consumer.stop`. */
  async stop(): Promise<void> {
    this.#end(undefined);
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }

  /** Stops it and waits until the program has read what came; what nobody reads is given back. As `Consumer.drain`. */
  drain(): Promise<void> {
    return this.#drain(MAX_STAY_HELD);
  }

  /**
   * As `drain`, for a client that closes its connections then: however long the loop is at a message that it holds.
   *
   * @internal
   */
  drainWithClient(): Promise<void> {
    return this.#drain(Number.POSITIVE_INFINITY);
  }

  /**
   * Consumes a node until its connection ends. Resolves when the node has answered for the first time.
   *
   * @internal
   */
  join(client: Client): Promise<void> {
    const answered = deferred<void>();
    if (this.#isOver || this.#clients.has(client)) return Promise.resolve();
    this.#clients.set(client, undefined);
    unobserved(
      client.closed.then(() => {
        this.#clients.delete(client);
        answered.resolve();
      }),
    );
    unobserved(this.#follow(client, answered));
    return answered.promise;
  }

  /**
   * Its client was closed.
   *
   * @internal
   */
  ended(): void {
    this.#end(undefined);
  }

  toJSON(): object {
    const { buffered, lapsed } = this;
    return { topic: this.#topic, queue: this.#options.queue, nodes: this.#consumers.length, buffered, lapsed };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("NodesConsumer", this.toJSON(), options, inspect);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #follow(client: Client, answered: Deferred<void>): Promise<void> {
    for (let attempt = 0; !this.#isOver && this.#clients.has(client); attempt++) {
      try {
        const consumer = await client.consume(this.#topic, this.#options);
        attempt = 0;
        this.#add(client, consumer);
        answered.resolve();
        const reason = await consumer.closed;
        // The program has stopped it; or its node is about to stop, and the loop may be at a message of it.
        if (reason === undefined || reason.code === "SHUTTING_DOWN") break;
        this.#lost(consumer);
      } catch (error) {
        this.#refused(client, error);
      }
      answered.resolve();
      await within(backoff(attempt, FIRST_WAIT, MAX_WAIT), this.#stopped.promise);
    }
    answered.resolve();
  }

  /** It ends when all connected nodes refuse for a reason that another attempt would not change: a wrong name, no queue. */
  #refused(client: Client, error: unknown): void {
    if (!(error instanceof RingmqError) || isForAnotherNode(error) || !this.#clients.has(client)) return;
    this.#clients.set(client, error);
    for (const refusal of this.#clients.values()) if (refusal === undefined) return;
    this.#end(error);
  }

  /** Its connection or its shard has gone. What it has of a topic that acks by itself can still be read. */
  #lost(consumer: Consumer): void {
    if (consumer.buffered > 0) return;
    this.#remove(consumer);
    unobserved(consumer.return());
  }

  #add(client: Client, consumer: Consumer): void {
    if (this.#isOver) {
      unobserved(consumer.return());
      return;
    }
    this.#clients.set(client, undefined);
    this.#consumers.push(consumer);
    this.#started.resolve();
    this.#wakeUp();
  }

  /** Takes something of the first consumer that has anything, beginning behind the one that had something last. */
  #take<T extends Message | MessageBatch>(take: (consumer: Consumer) => T | undefined): T | undefined {
    this.#loop.isStarted = true;
    this.#loop.current = undefined;
    this.#current?.leave();
    this.#current = undefined;
    const { length } = this.#consumers;
    for (let i = 0; i < length; i++) {
      const at = (this.#next + i) % length;
      const consumer = this.#consumers[at];
      if (consumer === undefined || consumer.buffered === 0) continue;
      const value = take(consumer);
      if (value === undefined) continue;
      this.#loop.current = value;
      this.#current = consumer;
      this.#next = at + 1;
      return value;
    }
    return undefined;
  }

  async #nextLater(): Promise<IteratorResult<Message, undefined>> {
    while (await this.available()) {
      const value = this.take();
      if (value !== undefined) return { done: false, value };
    }
    return { done: true, value: undefined };
  }

  /**
   * To be called when no consumer has a message. Resolves with true when one may have some, with false at the end. Rejects
   * once with the reason of the end.
   *
   * @internal
   */
  async available(): Promise<boolean> {
    if (this.#isOver && this.#consumers.length === 0) {
      this.#loop.finish();
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) throw error;
      return false;
    }
    this.#wake ??= deferred();
    for (const consumer of this.#consumers) if (!this.#awaited.has(consumer)) this.#await(consumer);
    await this.#wake.promise;
    return true;
  }

  /** Wakes the loop up when a consumer has messages, or has ended. */
  #await(consumer: Consumer): void {
    this.#awaited.add(consumer);
    const woken = (isAvailable: boolean): void => {
      this.#awaited.delete(consumer);
      if (!isAvailable) this.#remove(consumer);
      this.#wakeUp();
    };
    // The reason of its end is dealt with where it is followed.
    consumer.available().then(woken, () => woken(false));
  }

  #remove(consumer: Consumer): void {
    if (!this.#consumers.includes(consumer)) return;
    this.#lapsedBefore += consumer.lapsed;
    this.#consumers = this.#consumers.filter((each) => each !== consumer);
  }

  #wakeUp(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  #end(error: RingmqError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#closed.resolve(error);
    this.#stopped.resolve();
    this.#wakeUp();
  }

  async #drain(maxStayHeld: number): Promise<void> {
    if (!this.#loop.isStarted) {
      await this.return();
      return;
    }
    this.#end(undefined);
    await Promise.all(this.#consumers.map((consumer) => consumer.stopPushing()));
    if (await this.#loop.waitForEnd((current) => (current.isHeld ? maxStayHeld : MAX_STAY_SETTLED))) return;
    for (const consumer of this.#consumers) consumer.giveBackUnread();
  }
}
