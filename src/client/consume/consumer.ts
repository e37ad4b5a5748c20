/**
 * A consumer of a queue, as a program reads it.
 */
import { GIVE_BACK, Op, RENEW, REPORTS } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import type { Prefetch } from "../arguments/options.js";
import { backoff, FIRST_WAIT, MAX_WAIT } from "../base/backoff.js";
import { unobserved } from "../base/deferred.js";
import { localError, RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { mayPass } from "../base/may-pass.js";
import type { Timer } from "../base/timer.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import type { ConsumerSink } from "../connection/sinks.js";
import { ReadLoop } from "../messages/read-loop.js";
import { ConsumeRequest } from "./consume-request.js";
import { ConsumerFeed } from "./consumer-feed.js";
import type { Message } from "./message.js";
import { MessageBatch } from "./message-batch.js";
import { PrefetchWindow } from "./prefetch-window.js";
import type { Progress } from "./progress.js";
import type { Settler } from "./settler.js";

/**
 * How long a loop may stay at a message before a drain takes it for one that awaits the drain: at a message that it still
 * holds, and at one that it has settled. Milliseconds.
 */
export const MAX_STAY_HELD = 3000;
export const MAX_STAY_SETTLED = 1000;

/** In place of a consumer that has moved on. */
const NOBODY: ConsumerSink = { messages: () => {}, ended: () => {}, lost: () => {} };

/**
 * Messages of a queue, as they come. Iterate it once: `for await (const message of consumer)`, or over `batches()`.
 * Leaving the loop stops it and gives back what it has not read.
 */
export class Consumer implements AsyncIterableIterator<Message> {
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #queue: string | undefined;
  readonly #prefetch: Prefetch;
  #window: PrefetchWindow;
  readonly #settler: Settler;
  readonly #feed: ConsumerFeed;
  readonly #loop = new ReadLoop<Message | MessageBatch>();
  /** Of the CONSUME that was asked for last. */
  #request = 0;
  /** A CONSUME is on its way, or waits for a connection or for its time. */
  #isAsking = false;
  /** While it waits before it asks the broker again. */
  #timer: Timer | undefined;
  #stopping: Promise<void> | undefined;
  /** STOP has been confirmed, or is not needed any more. */
  #isStopped = false;
  #draining: Promise<void> | undefined;

  private constructor(
    connection: Connection,
    topic: string,
    queue: string | undefined,
    prefetch: Prefetch,
    settler: Settler,
    progress: Progress,
  ) {
    this.#connection = connection;
    this.#topic = topic;
    this.#queue = queue;
    this.#prefetch = prefetch;
    this.#window = new PrefetchWindow(prefetch);
    this.#settler = settler;
    this.#feed = new ConsumerFeed(connection, settler, progress, this.#window);
  }

  /** Sends CONSUME. Resolves with the consumer when that is answered, whatever becomes of the connection meanwhile. */
  static async start(
    connection: Connection,
    topic: string,
    queue: string | undefined,
    prefetch: Prefetch,
    settler: Settler,
    progress: Progress,
  ): Promise<Consumer> {
    const consumer = new Consumer(connection, topic, queue, prefetch, settler, progress);
    await consumer.#ask((head, pending) => connection.request(Op.CONSUME, head, pending, RENEW | REPORTS));
    return consumer;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#feed.closed;
  }

  /** Resolves when the program has read all there is, or has left. */
  get finished(): Promise<void> {
    return this.#loop.finished;
  }

  /** Messages that have come and are not yet read. */
  get buffered(): number {
    return this.#feed.size;
  }

  /**
   * Messages that were given up unread because their leases had ended or were about to: the program was at one message, or
   * blocked its event loop, for longer than the topic's TTR. They go back, and this does not count as a retry.
   */
  get lapsed(): number {
    return this.#feed.lapsed;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message. Rejects once when the consumer ended for a reason; `done` after that. */
  next(): Promise<IteratorResult<Message, undefined>> {
    const value = this.take();
    return value === undefined ? this.#nextLater() : Promise.resolve({ done: false, value });
  }

  /**
   * The next message that has come; undefined when there is none. The loop is at it until it takes another or leaves.
   *
   * @internal
   */
  take(): Message | undefined {
    const loop = this.#loop;
    loop.isStarted = true;
    const value = this.#feed.shift();
    loop.current = value;
    return value;
  }

  /**
   * All messages that have come; undefined when there are none.
   *
   * @internal
   */
  takeBatch(): MessageBatch | undefined {
    const loop = this.#loop;
    loop.isStarted = true;
    loop.current = undefined;
    if (this.#feed.size === 0) return undefined;
    const batch = new MessageBatch(this.#settler, this.#feed.takeAll());
    if (batch.size === 0) return undefined;
    loop.current = batch;
    return batch;
  }

  /**
   * The loop is no longer at a message of this consumer.
   *
   * @internal
   */
  leave(): void {
    this.#loop.current = undefined;
  }

  /** As `stop`. `for await` calls it when the loop is left. */
  async return(): Promise<IteratorResult<Message, undefined>> {
    await this.stop();
    this.#finish();
    return { done: true, value: undefined };
  }

  /** The messages in batches: each is all that has come since the last one was read, at most a prefetch of them. */
  async *batches(): AsyncGenerator<MessageBatch, void> {
    this.#loop.isStarted = true;
    try {
      while (await this.available()) {
        const batch = this.takeBatch();
        if (batch !== undefined) yield batch;
        this.leave();
      }
    } finally {
      await this.return();
    }
  }

  /**
   * Ends it: what was not read goes back to the head of its queue, and the iteration ends. What the program has read can
   * still be settled.
   */
  async stop(): Promise<void> {
    await this.#leave(undefined);
  }

  /**
   * The broker is about to close the connection, for this reason: as `stop`, but the iteration rejects with it, unless
   * the program has ended it.
   *
   * @internal
   */
  shutDown(reason: RingmqError): void {
    unobserved(this.#leave(reason));
  }

  /**
   * The broker is about to stop: what nobody has read goes back to it, and more comes over the next connection. What the
   * program is at can still be settled.
   *
   * @internal
   */
  moveOn(): void {
    if (this.#stopping !== undefined || this.#isAsking || !this.#connection.consumers.has(this.#request)) return;
    const { topic, queue, request } = { topic: this.#topic, queue: this.#queue, request: this.#request };
    this.#connection.consumers.set(request, NOBODY);
    const pending = new CountRequest();
    unobserved(pending.promise);
    this.#connection.control(Op.STOP, requestHead([topic, queue, request]), pending, undefined, GIVE_BACK);
    this.#askAgain(0);
  }

  /**
   * Stops it and waits until the program has read what came; what nobody reads is given back.
   *
   * It can be awaited in the loop as well. A loop that is at one message for 3 seconds meanwhile, or for 1 second at one
   * that it has settled, is taken for one that waits for this: what it has not read is given back, and it ends when it
   * goes on.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain(MAX_STAY_HELD);
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

  toJSON(): object {
    const { buffered, lapsed } = this;
    return { topic: this.#topic, queue: this.#queue, prefetch: this.#window.size, buffered, lapsed };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Consumer", this.toJSON(), options, inspect);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /**
   * Resolves with true when there are messages, with false at the end. Rejects once with the reason of the end.
   *
   * @internal
   */
  async available(): Promise<boolean> {
    let isAvailable = false;
    try {
      isAvailable = await this.#feed.available();
      return isAvailable;
    } catch (error) {
      // It may end the program, which has just acked: a broker that stops still takes that.
      if (error instanceof RingmqError && error.code === "SHUTTING_DOWN") await this.#connection.idle();
      throw error;
    } finally {
      if (!isAvailable) this.#finish();
    }
  }

  /**
   * No more comes, and what has come can still be read.
   *
   * @internal
   */
  async stopPushing(): Promise<void> {
    this.#feed.isDraining = true;
    await this.#stop(0);
    this.#feed.end(undefined);
  }

  /**
   * Nobody reads what has come: it is given back.
   *
   * @internal
   */
  giveBackUnread(): void {
    this.#feed.giveBack();
  }

  async #nextLater(): Promise<IteratorResult<Message, undefined>> {
    while (await this.available()) {
      const value = this.take();
      if (value !== undefined) return { done: false, value };
    }
    return { done: true, value: undefined };
  }

  /** Sends CONSUME, again when its connection is lost before it is answered. */
  async #ask(send: (head: Uint8Array, pending: ConsumeRequest) => number): Promise<void> {
    const { clock, consumers } = this.#connection;
    this.#isAsking = true;
    try {
      while (!this.#feed.isOver) {
        this.#window = new PrefetchWindow(this.#prefetch);
        this.#feed.restart(this.#window);
        const asked = clock.now();
        const pending = new ConsumeRequest((terms) => this.#feed.begun(terms, asked));
        const request = send(requestHead([this.#topic, this.#queue, this.#window.size]), pending);
        this.#request = request;
        this.#feed.named([this.#topic, this.#queue, request]);
        // Before the answer, because messages may come with it.
        consumers.set(request, this.#sink);
        try {
          await pending.promise;
          return;
        } catch (error) {
          consumers.delete(request);
          if (!this.#connection.isLoss(error)) throw error;
        }
      }
    } finally {
      this.#isAsking = false;
    }
  }

  readonly #sink: ConsumerSink = {
    messages: (bytes, view, start, end) => this.#feed.messages(bytes, view, start, end),
    ended: (error) => this.#ended(error),
    lost: (reason) => this.#lost(reason),
  };

  /** The broker has ended it, or the connection has ended for good. */
  #ended(error: RingmqError | undefined): void {
    if (error !== undefined && this.#goesOn(error)) this.#wait(0);
    else {
      this.#timer?.cancel();
      this.#feed.ended(error);
    }
  }

  #lost(reason: RingmqError): void {
    if (this.#timer !== undefined) {
      // The next connection is asked at once: no sink is left that would hear of the end of this one.
      this.#timer.cancel();
      this.#timer = undefined;
      this.#askAgain(0);
    } else if (this.#isAsking) this.#feed.restart(this.#window);
    else if (this.#stopping === undefined) this.#askAgain(0);
    else this.#feed.ended(reason);
  }

  /** Whether it is not over with an error of the broker. */
  #goesOn(error: RingmqError): boolean {
    const { revival, hasEnded } = this.#connection;
    return revival !== undefined && !hasEnded && this.#stopping === undefined && mayPass(error);
  }

  /** Asks the broker again after a while. */
  #wait(attempt: number): void {
    this.#isAsking = true;
    this.#feed.restart(this.#window);
    // Under its old number it hears of the end of the connection.
    this.#connection.consumers.set(this.#request, this.#sink);
    this.#timer = this.#connection.clock.startTimer(backoff(attempt, FIRST_WAIT, MAX_WAIT), () => {
      this.#timer = undefined;
      this.#connection.consumers.delete(this.#request);
      this.#askAgain(attempt + 1);
    });
  }

  /** Goes on, unless the broker refuses it for a reason that another attempt would not change. */
  #askAgain(attempt: number): void {
    if (this.#stopping !== undefined || this.#feed.isOver) return;
    const asked = this.#ask((head, pending) => this.#connection.reinstate(Op.CONSUME, head, pending, RENEW | REPORTS));
    unobserved(
      asked.catch((thrown: unknown) => {
        const error = asBadArgument(thrown);
        if (this.#goesOn(error)) this.#wait(attempt);
        else this.#feed.ended(error);
      }),
    );
  }

  /** Nothing more is handed out. Resolves when nothing more comes. */
  #leave(reason: RingmqError | undefined): Promise<void> {
    const wasStopped = this.#stopping !== undefined;
    const stopped = this.#stop(GIVE_BACK);
    if (wasStopped) this.#feed.giveBack();
    else this.#feed.leave(reason);
    return stopped;
  }

  /** Has the broker push no more, and do what the flags say. Resolves when nothing more comes. */
  #stop(flags: number): Promise<void> {
    this.#stopping ??= this.#sendStop(flags);
    return this.#stopping;
  }

  async #sendStop(flags: number): Promise<void> {
    if (this.#timer !== undefined) {
      this.#timer.cancel();
      this.#connection.consumers.delete(this.#request);
    }
    if (!this.#connection.consumers.has(this.#request)) return;
    if (this.#connection.withdraw(this.#request, localError("CLIENT_CLOSED", "the consumer was stopped"))) return;
    const pending = new CountRequest();
    try {
      const head = requestHead([this.#topic, this.#queue, this.#request]);
      this.#connection.control(Op.STOP, head, pending, undefined, flags);
      await pending.promise;
    } catch (error) {
      // Its queue was deleted or the connection has ended: it has stopped already.
      if (!(error instanceof RingmqError)) throw error;
    }
    this.#isStopped = true;
    this.#forget();
  }

  /** Nothing more comes, and nothing is left that the end of the connection would take away. */
  #forget(): void {
    if (this.#isStopped && this.#feed.size === 0) this.#connection.consumers.delete(this.#request);
  }

  /** The program has read everything, or has left. */
  #finish(): void {
    this.#loop.finish();
    this.#feed.finish();
    this.#forget();
  }

  async #drain(maxStayHeld: number): Promise<void> {
    if (!this.#loop.isStarted) {
      await this.return();
      return;
    }
    await this.stopPushing();
    if (await this.#loop.waitForEnd((current) => (current.isHeld ? maxStayHeld : MAX_STAY_SETTLED))) return;
    this.giveBackUnread();
  }
}
