/**
 * One open connection to a broker. It numbers and sends requests; when it ends, everything that waits is told.
 */
import { NO_HEAD } from "../../protocol/head.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { type Clock, SYSTEM_CLOCK } from "../base/clock.js";
import { deferred } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import { Answers } from "./answers.js";
import type { Batcher } from "./batcher.js";
import type { Chunk } from "./chunk.js";
import { atEndOfTurn } from "./end-of-turn.js";
import type { BrokerInfo } from "./hello.js";
import { PendingBytes } from "./pending-bytes.js";
import type { PendingRequest } from "./pending-request.js";
import { RequestTable } from "./request-table.js";
import { SendQueue } from "./send-queue.js";
import type { ChannelSink, ConsumerSink, ResponderSink } from "./sinks.js";
import type { BrokerTarget } from "./target.js";
import type { Transport } from "./transport.js";

/** What a request counts for beside its bytes: its object, its promise, its entry in the table. */
const REQUEST_COST = 256;

/** How long to wait for the broker to close its side after ours. Milliseconds. */
const CLOSE_TIMEOUT = 1000;

const NO_PAYLOAD: Uint8Array = NO_HEAD;

export interface ConnectionLimits {
  readonly maxInFlight: number;
  readonly maxPendingBytes: number;
  /** What is on its way on all connections that share a limit; undefined: this one has its own. */
  readonly sharedBytes?: PendingBytes | undefined;
}

export class Connection {
  readonly pendingBytes: PendingBytes;
  /** Sealed in this order before any other request, and at the end of each turn of the event loop. */
  readonly batchers: Batcher[] = [];
  /** The receivers of pushed messages, by the number of their CONSUME. */
  readonly consumers = new Map<number, ConsumerSink>();
  /** The receivers of calls, by the number of their RESPOND. */
  readonly responders = new Map<number, ResponderSink>();
  channels: ChannelSink | undefined;
  /** How another thread can connect to the same broker; undefined where it cannot, because the transport is of this one. */
  target: BrokerTarget | undefined;
  /** Called when the broker is about to stop, with the reason that it gives. */
  onGoodbye: ((reason: RingmqError) => void) | undefined;

  readonly #transport: Transport;
  readonly #sendQueue: SendQueue;
  readonly #requests: RequestTable;
  readonly #answers: Answers;
  readonly #closed = deferred<RingmqError | undefined>();
  /** Resolved when the transport is gone. */
  readonly #gone = deferred<void>();
  /** Set once the connection has ended: every later call throws it. */
  #failure: RingmqError | undefined;
  /** Why the broker is about to close the connection, if it has said so. */
  #reason: RingmqError | undefined;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(
    transport: Transport,
    readonly info: BrokerInfo,
    limits: ConnectionLimits,
    /** By it leases are kept. */
    readonly clock: Clock = SYSTEM_CLOCK,
  ) {
    this.#transport = transport;
    this.#sendQueue = new SendQueue(transport, Math.max(1, Math.min(limits.maxInFlight, info.limits.maxInFlight)));
    this.#requests = new RequestTable(
      (request) =>
        this.consumers.has(request) || this.responders.has(request) || this.channels?.holds(request) === true,
    );
    this.#answers = new Answers(this, this.#requests);
    this.pendingBytes = new PendingBytes(limits.maxPendingBytes, limits.sharedBytes);
  }

  /** Resolves when the connection has ended: with the reason, or with undefined when its own program closed it. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /** Throws when the connection has ended. */
  assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Sends a request after everything that was requested before it. Returns its number. Throws CLIENT_BUSY, or as
   * `assertOpen` does.
   */
  request(op: number, head: Uint8Array, pending: PendingRequest, flags = 0): number {
    this.assertOpen();
    const cost = head.length + REQUEST_COST;
    this.pendingBytes.reserve(cost);
    try {
      const request = this.control(op, head, pending, NO_PAYLOAD, flags);
      pending.pendingBytes = cost;
      return request;
    } catch (error) {
      this.pendingBytes.release(cost);
      throw error;
    }
  }

  /** As `request`, for requests that free memory in the broker or here: these are never refused with CLIENT_BUSY. */
  control(op: number, head: Uint8Array, pending: PendingRequest, payload: Uint8Array = NO_PAYLOAD, flags = 0): number {
    this.assertOpen();
    this.seal();
    this.assertOpen();
    return this.send(op, flags, head, pending, payload);
  }

  /** As `control`, for a batcher while it is sealed: the others are not sealed first. */
  send(op: number, flags: number, head: Uint8Array, pending: PendingRequest, payload: Uint8Array): number {
    try {
      this.#sendQueue.reserve(head, payload);
    } catch (error) {
      throw asBadArgument(error);
    }
    const request = this.#requests.add(pending);
    this.#sendQueue.add(op, flags, request, head, payload);
    this.schedule();
    return request;
  }

  /** Sends a request that has no answer. */
  notify(op: number, head: Uint8Array, payload: Uint8Array = NO_PAYLOAD, flags = 0): void {
    if (this.#failure !== undefined) return;
    this.#sendQueue.add(op, flags, 0, head, payload);
    this.schedule();
  }

  /** Sends what another program waits for: it has no answer, and does not wait until requests are answered. */
  settle(op: number, head: Uint8Array, payload: Uint8Array = NO_PAYLOAD): void {
    if (this.#failure !== undefined) return;
    this.#sendQueue.addFree(op, head, payload);
    this.schedule();
  }

  /** Has everything sent that was asked for so far. */
  flush(): void {
    if (this.#failure !== undefined) return;
    this.seal();
    if (this.#failure !== undefined) return;
    try {
      this.#sendQueue.flush();
    } catch (error) {
      this.#broken(error);
    }
  }

  /**
   * Begins a request whose payload a batcher writes message by message. It becomes a request with `attach`; a batcher
   * that fails to write it may simply drop it.
   */
  begin(op: number, head: Uint8Array, flags = 0): Chunk {
    this.assertOpen();
    const chunk = this.#sendQueue.detached();
    chunk.open(op, flags, 0, head);
    return chunk;
  }

  /** Numbers a request from `begin` and queues it for the end of the turn. Returns the number. If that fails the connection has ended. */
  attach(chunk: Chunk, pending: PendingRequest): number {
    const request = this.#requests.add(pending);
    chunk.number(request);
    chunk.close();
    try {
      this.#sendQueue.attach(chunk);
    } catch (error) {
      this.#broken(error);
    }
    return request;
  }

  /** Encodes all batches, so that what is sent next comes after them. If that fails the connection has ended. */
  seal(): void {
    for (const batcher of this.batchers) batcher.seal();
  }

  /** Has everything sent at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    atEndOfTurn(this.#flush);
  }

  /** Resolves when every request has been answered, or the connection has ended. */
  async idle(): Promise<void> {
    while (this.#failure === undefined) {
      // A program that just got its answer may make its next request within this turn.
      await new Promise<void>(atEndOfTurn);
      this.seal();
      if (this.#requests.size === 0) return;
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Sends every request, waits for no answer, and closes. Resolves when the transport is gone. */
  async close(): Promise<void> {
    if (this.#failure === undefined) {
      this.seal();
      this.#sendQueue.flushAll();
      // After GOODBYE the broker is the reason, although this side closes.
      this.#end(this.#reason);
      this.#transport.end();
      const timer = setTimeout(() => {
        this.#transport.destroy();
        this.#gone.resolve();
      }, CLOSE_TIMEOUT);
      await this.#gone.promise;
      clearTimeout(timer);
    }
    await this.#gone.promise;
  }

  /** Takes a frame from the broker. Throws ProtocolError when a broker may not send it now. */
  frame(bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void {
    if (this.#failure === undefined) this.#answers.take(bytes, view, start, payload, end);
  }

  /** To be called after the frames of one read: sends requests that waited for these answers. */
  resume(): void {
    if (this.#failure === undefined) this.#sendQueue.resume();
  }

  /** A request was answered. */
  answered(pending: PendingRequest): void {
    if (pending.pendingBytes > 0) this.pendingBytes.release(pending.pendingBytes);
    this.#sendQueue.answered();
    if (this.#requests.size > 0 || this.#idle.length === 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  /** The broker has announced that it will close the connection, and why. */
  expectEnd(reason: RingmqError): void {
    this.#reason ??= reason;
  }

  drained(): void {
    if (this.#failure === undefined) this.#sendQueue.drained();
  }

  /** The transport is gone. */
  ended(error: Error | undefined): void {
    this.#end(this.#reason ?? localError("CONNECTION_CLOSED", "the broker closed the connection", error));
    this.#gone.resolve();
  }

  /** The broker has violated the protocol: nothing after that can be understood. */
  violated(error: RingmqError): void {
    this.#end(this.#reason ?? error);
    this.#transport.destroy();
    this.#gone.resolve();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** Part of a frame may have been written: the broker could not understand anything after it. */
  #broken(error: unknown): void {
    this.violated(localError("CONNECTION_CLOSED", "what was asked for could not be sent", error));
  }

  /** `reason` is undefined when the program closed the connection. */
  #end(reason: RingmqError | undefined): void {
    if (this.#failure !== undefined) return;
    this.#failure =
      reason === undefined
        ? localError("CLIENT_CLOSED", "the client was closed")
        : localError("CONNECTION_CLOSED", `the connection has ended: ${reason.message}`, reason);
    const lost = localError("CONNECTION_CLOSED", "the connection ended before the answer came", reason);
    for (const batcher of this.batchers) batcher.fail(lost);
    this.#requests.failAll(lost);
    this.pendingBytes.fail(lost);
    for (const resolve of this.#idle) resolve();
    const consumers = [...this.consumers.values()];
    this.consumers.clear();
    for (const consumer of consumers) consumer.ended(reason);
    const responders = [...this.responders.values()];
    this.responders.clear();
    for (const responder of responders) responder.ended(reason);
    this.channels?.ended(reason);
    this.#closed.resolve(reason);
  }
}
