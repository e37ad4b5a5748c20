/**
 * A worker: runs a handler for each message of a queue.
 */
import { checkTimeout } from "../arguments/argument-checks.js";
import { callLater } from "../arguments/call-later.js";
import { OPTIONS, readOptions } from "../arguments/option-reader.js";
import type { ConsumeOptions, DrainOptions } from "../arguments/options.js";
import { deferred, unobserved } from "../base/deferred.js";
import { localError, RingmqError, type RingmqErrorCode } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { startTimer } from "../base/timer.js";
import { atEndOfTurn } from "../connection/end-of-turn.js";
import type { Message } from "../consume/message.js";
import type { AckObserver } from "../consume/settle-batch.js";
import { faultError } from "../consume/settle-result.js";
import type { Tenure } from "../consume/tenure.js";
import { Execution, type ExecutionOwner } from "./execution.js";
import { nackAfter } from "./failure.js";
import { Leases, type LeaseThreads } from "./leases.js";
import { WorkContext } from "./work-context.js";
import type { ReadWork } from "./work-options.js";

const CLOSE_TIMEOUT = 30_000;

/** How long handlers have to end after their signals have fired because the worker is closed. Milliseconds. */
const ABORT_GRACE = 1000;

/** Where the messages come from: a consumer, of one node or of several. */
export interface MessageSource {
  /** Resolves when no more messages will come: with why, or with undefined when the program has ended it. */
  readonly closed: Promise<RingmqError | undefined>;
  /** The next message that has come; undefined: there is none. */
  take(): Message | undefined;
  /** Resolves with true when there may be messages, with false at the end. Rejects with the reason of the end. */
  available(): Promise<boolean>;
  /** No more comes, and what was not taken is given back. */
  return(): Promise<unknown>;
}

/** Loaded when a program works: it needs Node. */
const loadThreads = async (): Promise<LeaseThreads | undefined> => {
  try {
    return (await import("./lease-thread.js")).leaseThreads;
  } catch {
    // A platform without threads.
    return undefined;
  }
};

/**
 * A worker of a queue, made by `work`. It goes on until it is drained or closed, its signal fires, or its queue is gone.
 *
 * While a handler runs, the lease of its message is renewed: by a thread of its own that has a connection of its own, so that
 * a handler may block the event loop; in a browser, wherever there are no threads, and from when the
 * broker refuses that connection (TOO_MANY_CONNECTIONS), by a timer. Over WebSocket, a broker
 * closes a connection whose program does not let it answer for two minutes: use TCP for handlers that block for longer.
 */
export class QueueWorker implements AckObserver, ExecutionOwner {
  readonly #topic: string;
  readonly #work: ReadWork;
  readonly #source: MessageSource;
  readonly #leases: Leases;
  readonly #executions: readonly Execution[];
  readonly #free: Execution[];
  readonly #closed = deferred<RingmqError | undefined>();
  readonly #cancel = (): void => this.#cancelled();
  #processed = 0;
  #failed = 0;
  #lost = 0;
  /** Acks and nacks that are not answered. */
  #unanswered = 0;
  /** Handlers whose end nobody waits for any longer. */
  #unawaited = 0;
  #isFilling = false;
  #isWaiting = false;
  /** No more messages are taken. */
  #isEnding = false;
  #isOver = false;
  #error: RingmqError | undefined;

  private constructor(topic: string, work: ReadWork, source: MessageSource, threads: LeaseThreads | undefined) {
    this.#topic = topic;
    this.#work = work;
    this.#source = source;
    this.#executions = Array.from({ length: work.concurrency }, (_, row) => new Execution(row, this));
    this.#free = [...this.#executions].reverse();
    this.#leases = new Leases({
      topic,
      queue: work.consume.queue,
      rows: work.concurrency,
      timeout: work.timeout,
      threads,
      lost: (row, ticket, code) => this.#told(row, ticket, code),
      connectionEnded: (tenure, error) => this.#connectionEnded(tenure, error),
    });
  }

  /**
   * `hasThreads`: another thread can connect to the broker.
   *
   * @internal
   */
  static async start(
    topic: string,
    work: ReadWork,
    consume: (options: ConsumeOptions) => Promise<MessageSource>,
    hasThreads: boolean,
  ): Promise<QueueWorker> {
    const { signal } = work;
    if (isAborted(signal)) throw abortedError(signal);
    const threads = hasThreads ? await loadThreads() : undefined;
    const { queue, prefetch = { min: work.concurrency } } = work.consume;
    const source = await consume({ queue, prefetch });
    const worker = new QueueWorker(topic, work, source, threads);
    unobserved(source.closed.then((error) => worker.#end(error)));
    signal?.addEventListener("abort", worker.#cancel, { once: true });
    if (isAborted(signal)) worker.#cancelled();
    await worker.#leases.ready;
    // Not before the program has the worker.
    atEndOfTurn(() => worker.#fill());
    return worker;
  }

  /** Handlers that run. */
  get running(): number {
    return this.#executions.length - this.#free.length;
  }

  /** Messages whose handlers have returned. */
  get processed(): number {
    return this.#processed;
  }

  /** Messages whose handlers have thrown. */
  get failed(): number {
    return this.#failed;
  }

  /** Messages that were lost while a handler had them, or whose ack or nack came too late: others get them again. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * Resolves when it takes no more messages and its handlers have ended: with why, or with undefined when the program or its
   * client has ended it.
   */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Takes no more messages, and resolves when the handlers that run have ended and their messages are settled, however long
   * that takes. What has come and was not begun is given back. Not to be awaited by a handler.
   */
  async drain(): Promise<void> {
    this.#end(undefined);
    await this.closed;
  }

  /**
   * As `drain`, for so long at most: milliseconds, default 30,000. Then the signals of the handlers that still run fire, and
   * those that do not end within another second are left alone: their leases are renewed no longer. If one of them ends before
   * its lease does, its message is settled all the same, unless the client was closed: then the message has gone back.
   */
  async close(options: DrainOptions = {}): Promise<void> {
    const { timeout = CLOSE_TIMEOUT } = readOptions(options, OPTIONS.drain);
    checkTimeout("timeout", timeout);
    this.#end(undefined);
    if (await this.#endsWithin(timeout)) return;
    this.#abortAll(localError("CLIENT_CLOSED", "the worker was closed"));
    if (!(await this.#endsWithin(ABORT_GRACE))) this.#abandonAll();
    await this.closed;
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toJSON(): object {
    const { running, processed, failed, lost } = this;
    const { concurrency, consume } = this.#work;
    return { topic: this.#topic, queue: consume.queue, concurrency, running, processed, failed, lost };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("QueueWorker", this.toJSON(), options, inspect);
  }

  /** @internal */
  returned(execution: Execution): void {
    const { message } = execution;
    if (message === undefined) return;
    if (!execution.isLost) {
      this.#processed++;
      if (message.isHeld) {
        this.#unanswered++;
        message.ackObserved(this);
      }
    }
    this.#ended(execution);
  }

  /** @internal */
  threw(execution: Execution, error: unknown): void {
    const { message, context } = execution;
    if (message === undefined) return;
    if (!execution.isLost) {
      this.#failed++;
      if (message.isHeld) this.#giveBack(message, error, context?.attempt ?? 1);
      const { onFailed } = this.#work;
      if (onFailed !== undefined) callLater("onFailed of a worker", () => onFailed(error, message));
    }
    this.#ended(execution);
  }

  /** @internal */
  answered(messages: number, late: number): void {
    this.#unanswered -= messages;
    this.#lost += late;
    this.#check();
  }

  /** Begins what has come, as far as handlers may run. */
  #fill(): void {
    // A handler that ends within its call is in this loop.
    if (this.#isFilling) return;
    this.#isFilling = true;
    while (this.#free.length > 0 && !this.#isEnding) {
      const message = this.#source.take();
      if (message === undefined) {
        this.#wait();
        break;
      }
      this.#begin(message);
    }
    this.#isFilling = false;
  }

  #begin(message: Message): void {
    const execution = this.#free.pop();
    if (execution === undefined) return;
    const context = new WorkContext(message.retry + 1);
    execution.message = message;
    execution.context = context;
    execution.tenure = message.delivered.settler.tenure;
    execution.ticket = this.#leases.hold(execution.row, message);
    let result: unknown;
    try {
      result = this.#work.handler(message, context);
    } catch (error) {
      this.threw(execution, error);
      return;
    }
    if (typeof result !== "object" || result === null) this.returned(execution);
    else Promise.resolve(result).then(execution.returned, execution.threw);
  }

  /** Its handler has ended, and what it leaves is settled. */
  #ended(execution: Execution): void {
    if (!execution.isAwaited) this.#unawaited--;
    this.#leases.free(execution.row);
    execution.clear();
    this.#free.push(execution);
    if (this.#isEnding) this.#check();
    else this.#fill();
  }

  #giveBack(message: Message, error: unknown, attempt: number): void {
    this.#unanswered++;
    message.nack(nackAfter(error, attempt, this.#work.delay)).then(
      () => this.answered(1, 0),
      () => this.answered(1, 1),
    );
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#source.available().then(this.#came, this.#broken);
  }

  readonly #came = (isAvailable: boolean): void => {
    this.#isWaiting = false;
    if (isAvailable) this.#fill();
    else this.#end(undefined);
  };

  readonly #broken = (error: unknown): void => {
    this.#isWaiting = false;
    this.#end(error instanceof RingmqError ? error : localError("UNKNOWN_ERROR", "the consumer has failed", error));
  };

  /** The lease keeper has told of a row. */
  #told(row: number, ticket: number, code: RingmqErrorCode): void {
    const execution = this.#executions[row];
    const message = execution?.message;
    if (execution === undefined || message === undefined || execution.ticket !== ticket) return;
    if (code === "HANDLER_TIMEOUT") {
      execution.context?.abort(localError(code, `message ${message.id}: its handler has had ${this.#work.timeout} ms`));
    } else this.#lose(execution, faultError(message.id, code));
  }

  #connectionEnded(tenure: Tenure, error: RingmqError): void {
    const reason = error.cause === undefined ? localError("CLIENT_CLOSED", "the client was closed") : error;
    for (const execution of this.#executions) {
      if (execution.tenure === tenure && execution.message?.isAcked === false) this.#lose(execution, reason);
    }
  }

  /** The message of a handler is not its own any longer. */
  #lose(execution: Execution, reason: RingmqError): void {
    if (execution.isLost) return;
    if (execution.isAwaited) this.#unawaited++;
    execution.isLost = true;
    if (execution.message?.isHeld === true) this.#lost++;
    this.#leases.free(execution.row);
    execution.context?.abort(reason);
    this.#check();
  }

  #cancelled(): void {
    const { signal } = this.#work;
    this.#end(undefined);
    this.#abortAll(abortedError(signal));
  }

  #abortAll(reason: RingmqError): void {
    for (const { context } of this.#executions) context?.abort(reason);
  }

  #abandonAll(): void {
    for (const execution of this.#executions) {
      if (!execution.isAwaited) continue;
      execution.isAbandoned = true;
      this.#unawaited++;
    }
    this.#unanswered = 0;
    this.#check();
  }

  /** Takes no more messages. */
  #end(error: RingmqError | undefined): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#error = error;
    unobserved(this.#source.return());
    this.#check();
  }

  /** Whether it is over. */
  #check(): void {
    if (!this.#isEnding || this.#isOver || this.running > this.#unawaited || this.#unanswered > 0) return;
    this.#isOver = true;
    this.#work.signal?.removeEventListener("abort", this.#cancel);
    const { resolve } = this.#closed;
    this.#leases.end().then(
      () => resolve(this.#error),
      () => resolve(this.#error),
    );
  }

  /** Resolves with whether it is over within so many milliseconds. */
  async #endsWithin(milliseconds: number): Promise<boolean> {
    const due = deferred<boolean>();
    const timer = startTimer(milliseconds, () => due.resolve(false));
    const isOver = await Promise.race([this.closed.then(() => true), due.promise]);
    timer.cancel();
    return isOver;
  }
}

/** A function, because what was false may be true by now. */
const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

const abortedError = (signal: AbortSignal | undefined): RingmqError =>
  localError("ABORTED", "the worker's signal has fired", signal?.reason);
