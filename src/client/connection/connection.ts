/**
 * One open connection to a broker: it numbers requests and sends them, and when it ends it leaves nobody waiting.
 */
import { NO_HEAD } from "../../protocol/head.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { deferred } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import { Answers, type ChannelSink, type ConsumerSink } from "./answers.js";
import { atEndOfTurn } from "./end-of-turn.js";
import type { BrokerInfo } from "./hello.js";
import { Allowance } from "./pending-bytes.js";
import type { Exchange } from "./pending-request.js";
import { Requests } from "./request-table.js";
import { type Chunk, Outgoing } from "./send-queue.js";
import type { Transport } from "./transport.js";

/** What a request holds of the allowance beside its bytes: its exchange, its promise, its place in the table. */
const REQUEST_COST = 256;

/** How long the broker may take to close its side after ours. Milliseconds. */
const CLOSE_TIMEOUT = 1000;

const NO_PAYLOAD: Uint8Array = NO_HEAD;

/** Somebody who gathers what is asked for during a turn of the event loop. */
export interface Gatherer {
  /** Encodes what was gathered. */
  seal(): void;
  /** The connection has ended: what was gathered cannot be sent. */
  fail(error: RingmqError): void;
}

export interface ConnectionLimits {
  readonly maxInFlight: number;
  readonly maxPendingBytes: number;
}

export class Connection {
  readonly allowance: Allowance;
  /** Sealed in this order before any other request and at the end of each turn. */
  readonly gatherers: Gatherer[] = [];
  /** Where messages go that are pushed, by the number of their CONSUME. */
  readonly consumers = new Map<number, ConsumerSink>();
  channels: ChannelSink | undefined;
  /** The broker is about to stop. */
  onGoodbye: (() => void) | undefined;

  readonly #transport: Transport;
  readonly #outgoing: Outgoing;
  readonly #requests: Requests;
  readonly #answers: Answers;
  readonly #closed = deferred<RingmqError | undefined>();
  /** The transport is gone. */
  readonly #gone = deferred<void>();
  /** Set once the connection has ended: what every later call is told. */
  #over: RingmqError | undefined;
  /** Why the broker is about to close the connection, once it has said so. */
  #reason: RingmqError | undefined;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(
    transport: Transport,
    readonly info: BrokerInfo,
    limits: ConnectionLimits,
  ) {
    this.#transport = transport;
    this.#outgoing = new Outgoing(transport, Math.max(1, Math.min(limits.maxInFlight, info.limits.maxInFlight)));
    this.#requests = new Requests((request) => this.consumers.has(request) || this.channels?.holds(request) === true);
    this.#answers = new Answers(this, this.#requests);
    this.allowance = new Allowance(limits.maxPendingBytes);
  }

  /** Resolves when the connection has ended: with why, or with undefined when its own program closed it. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /** Throws when the connection has ended. */
  assertOpen(): void {
    if (this.#over !== undefined) throw this.#over;
  }

  /**
   * Sends a request, after all that was asked for before. Throws CLIENT_BUSY, or what `assertOpen` does. Answers the
   * number that it was given.
   */
  request(op: number, head: Uint8Array, exchange: Exchange, flags = 0): number {
    this.assertOpen();
    const cost = head.length + REQUEST_COST;
    this.allowance.take(cost);
    try {
      const request = this.control(op, head, exchange, NO_PAYLOAD, flags);
      exchange.held = cost;
      return request;
    } catch (error) {
      this.allowance.give(cost);
      throw error;
    }
  }

  /** As `request`, for what makes room in the broker or here: it is never refused for want of room. */
  control(op: number, head: Uint8Array, exchange: Exchange, payload: Uint8Array = NO_PAYLOAD, flags = 0): number {
    this.assertOpen();
    this.seal();
    this.assertOpen();
    return this.send(op, flags, head, exchange, payload);
  }

  /** Sends a request for a gatherer: nothing else is encoded before it. */
  send(op: number, flags: number, head: Uint8Array, exchange: Exchange, payload: Uint8Array): number {
    try {
      this.#outgoing.reserve(head, payload);
    } catch (error) {
      throw asBadArgument(error);
    }
    const request = this.#requests.add(exchange);
    this.#outgoing.add(op, flags, request, head, payload);
    this.schedule();
    return request;
  }

  /** Sends a request that has no answer. */
  notify(op: number, head: Uint8Array): void {
    if (this.#over !== undefined) return;
    this.#outgoing.add(op, 0, 0, head, NO_PAYLOAD);
    this.schedule();
  }

  /**
   * Begins a request whose payload a gatherer writes bit by bit. It is one when it is given back to `attach`: until then
   * nobody knows of it, and a gatherer that cannot write it leaves it.
   */
  begin(op: number, head: Uint8Array): Chunk {
    this.assertOpen();
    const chunk = this.#outgoing.detached();
    chunk.open(op, 0, 0, head);
    return chunk;
  }

  /** Numbers the request that `begin` began, which is sent when the turn is over. If that fails the connection has ended. */
  attach(chunk: Chunk, exchange: Exchange): void {
    chunk.number(this.#requests.add(exchange));
    chunk.close();
    try {
      this.#outgoing.attach(chunk);
    } catch (error) {
      this.#broken(error);
    }
  }

  /** Encodes all that was gathered: what is sent next comes after it. If that fails the connection has ended. */
  seal(): void {
    for (const gatherer of this.gatherers) gatherer.seal();
  }

  /** Sends what was asked for when the turn of the event loop is over. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    atEndOfTurn(this.#flush);
  }

  /** Resolves when every request has been answered, or the connection has ended. */
  async idle(): Promise<void> {
    while (this.#over === undefined) {
      // A program that has just had its answer may go on to ask for more: it has this turn to do so.
      await new Promise<void>(atEndOfTurn);
      this.seal();
      if (this.#requests.size === 0) return;
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Sends what was asked for, waits for no answer, and closes. Resolves when the transport is gone. */
  async close(): Promise<void> {
    if (this.#over === undefined) {
      this.seal();
      this.#outgoing.surrender();
      // A broker that said goodbye is why, though it is this side that closes.
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

  /** A frame has come. Throws ProtocolError when it is none that a broker may send. */
  frame(bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void {
    if (this.#over === undefined) this.#answers.take(bytes, view, start, payload, end);
  }

  /** All that has come so far has been taken: requests that waited for answers to others can go. */
  resume(): void {
    if (this.#over === undefined) this.#outgoing.resume();
  }

  /** A request was answered. */
  answered(exchange: Exchange): void {
    if (exchange.held > 0) this.allowance.give(exchange.held);
    this.#outgoing.answered();
    if (this.#requests.size > 0 || this.#idle.length === 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  /** The broker has said why it will close the connection. */
  expectEnd(reason: RingmqError): void {
    this.#reason ??= reason;
  }

  drained(): void {
    if (this.#over === undefined) this.#outgoing.drained();
  }

  /** The transport is gone. */
  ended(error: Error | undefined): void {
    this.#end(this.#reason ?? localError("CONNECTION_CLOSED", "the broker closed the connection", error));
    this.#gone.resolve();
  }

  /** The broker has sent what it may not: nothing after it can be understood. */
  violated(error: RingmqError): void {
    this.#end(this.#reason ?? error);
    this.#transport.destroy();
    this.#gone.resolve();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#over !== undefined) return;
    this.seal();
    if (this.#over !== undefined) return;
    try {
      this.#outgoing.flush();
    } catch (error) {
      this.#broken(error);
    }
  };

  /** Half of a frame may have been written: nothing after it would be understood. */
  #broken(error: unknown): void {
    this.violated(localError("CONNECTION_CLOSED", "what was asked for could not be sent", error));
  }

  /** `reason` is undefined when the program closed the connection of its own accord. */
  #end(reason: RingmqError | undefined): void {
    if (this.#over !== undefined) return;
    this.#over =
      reason === undefined
        ? localError("CLIENT_CLOSED", "the client was closed")
        : localError("CONNECTION_CLOSED", `the connection has ended: ${reason.message}`, reason);
    const lost = localError("CONNECTION_CLOSED", "the connection ended before the answer came", reason);
    for (const gatherer of this.gatherers) gatherer.fail(lost);
    this.#requests.failAll(lost);
    this.allowance.fail(lost);
    for (const resolve of this.#idle) resolve();
    const consumers = [...this.consumers.values()];
    this.consumers.clear();
    for (const consumer of consumers) consumer.ended(reason);
    this.channels?.ended(reason);
    this.#closed.resolve(reason);
  }
}
