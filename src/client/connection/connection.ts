/**
 * A connection to a broker. It numbers and sends requests; when it ends, everything that waits is told.
 *
 * With a revival it outlives its transport. When that is lost, what may be sent again stays in the table of requests, and what
 * is asked for meanwhile joins it there; all of it is sent, in its order, over the transport that comes next.
 */
import { NO_HEAD } from "../../protocol/head.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { type Clock, SYSTEM_CLOCK } from "../base/clock.js";
import { deferred } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import { startTimer } from "../base/timer.js";
import { Answers } from "./answers.js";
import type { Batcher } from "./batcher.js";
import { type Chunk, encodeFrame } from "./chunk.js";
import { Deadlines, type Timeouts } from "./deadlines.js";
import { atEndOfTurn } from "./end-of-turn.js";
import type { BrokerInfo } from "./hello.js";
import { KeptFrames } from "./kept-frames.js";
import { PendingBytes } from "./pending-bytes.js";
import { Patience, type PendingRequest } from "./pending-request.js";
import { RequestTable } from "./request-table.js";
import type { Revival } from "./revival.js";
import { SendQueue } from "./send-queue.js";
import { endSinks, loseSinks, type Sinks } from "./sinks.js";
import type { BrokerTarget } from "./target.js";
import type { Transport } from "./transport.js";
import { WaitingRequests } from "./waiting-requests.js";

/** What a request counts for beside its bytes: its object, its promise, its entry in the table. */
export const REQUEST_COST = 256;

/** How long to wait for the broker to close its side after ours, unless told. Milliseconds. */
export const CLOSE_TIMEOUT = 1000;

/** See `sendAgain`. */
type Resend = (waiting: WaitingRequests, queue: SendQueue, maxFrameBytes: number, now: number) => void;

const NO_PAYLOAD: Uint8Array = NO_HEAD;

export interface ConnectionLimits extends Timeouts {
  readonly maxInFlight: number;
  readonly maxPendingBytes: number;
  /** What is on its way on all connections that share a limit; undefined: this one has its own. */
  readonly sharedBytes?: PendingBytes | undefined;
}

export class Connection {
  /** What the broker told of itself that it is or was connected to last. */
  info: BrokerInfo;
  revival: Revival | undefined;
  readonly pendingBytes: PendingBytes;
  /** Sealed in this order before any other request, and at the end of each turn of the event loop. */
  readonly batchers: Batcher[] = [];
  /** The receivers of pushed messages, by the number of their CONSUME. */
  readonly consumers: Sinks["consumers"] = new Map();
  /** The receivers of calls, by the number of their RESPOND. */
  readonly responders: Sinks["responders"] = new Map();
  channels: Sinks["channels"];
  samples: Sinks["samples"];
  /** How another thread can connect to the same broker; undefined where it cannot, because the transport is of this one. */
  target: BrokerTarget | undefined;
  /** Called when the broker is about to stop, with the reason that it gives. */
  onGoodbye: ((reason: RingmqError) => void) | undefined;

  readonly #limits: ConnectionLimits;
  readonly #deadlines: Deadlines;
  readonly #kept = new KeptFrames();
  #transport: Transport | undefined;
  #sendQueue: SendQueue;
  readonly #requests: RequestTable;
  readonly #waiting: WaitingRequests;
  readonly #answers: Answers;
  readonly #closed = deferred<RingmqError | undefined>();
  /** Resolved when the transport is gone. */
  readonly #gone = deferred<void>();
  /** Set once the connection has ended: every later call throws it. */
  #failure: RingmqError | undefined;
  /** Why the broker is about to close the connection, if it has said so. */
  #reason: RingmqError | undefined;
  /** The broker is about to stop: what does not concern this transport waits for the next one. */
  #isLeaving = false;
  /** What those were told that asked for something of the transport that was lost last. */
  #loss: RingmqError | undefined;
  #scheduled = false;

  constructor(
    transport: Transport,
    info: BrokerInfo,
    limits: ConnectionLimits,
    /** By it leases are kept, and requests given up. */
    readonly clock: Clock = SYSTEM_CLOCK,
  ) {
    this.info = info;
    this.#limits = limits;
    this.#transport = transport;
    this.#sendQueue = this.#queueFor(transport);
    this.#deadlines = new Deadlines(clock, limits, (tick) => this.#waiting.giveUp(tick, this.#loss));
    this.#requests = new RequestTable(
      (request) =>
        this.consumers.has(request) || this.responders.has(request) || this.channels?.holds(request) === true,
    );
    this.#answers = new Answers(this, this.#requests);
    this.pendingBytes = new PendingBytes(limits.maxPendingBytes, limits.sharedBytes);
    this.#waiting = new WaitingRequests(this.#requests, this.pendingBytes);
  }

  /** Resolves when the connection has ended: with the reason, or with undefined when its own program closed it. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /** There is a transport, and a broker that is not about to stop. */
  get isConnected(): boolean {
    return this.#transport !== undefined && !this.#isLeaving;
  }

  get hasTransport(): boolean {
    return this.#transport !== undefined;
  }

  get hasEnded(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether a request failed with this error because its transport was lost, and may be made again. */
  isLoss(error: unknown): boolean {
    return error === this.#loss && this.#failure === undefined;
  }

  uses(transport: Transport): boolean {
    return this.#transport === transport;
  }

  /** Throws when the connection has ended. */
  assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Throws when the connection has ended, and when its transport was lost. */
  assertConnected(): void {
    this.assertOpen();
    if (this.#transport === undefined) throw this.#loss ?? localError("CONNECTION_CLOSED", "no connection now");
  }

  /**
   * Sends a request after everything that was requested before it; without a transport, over the next one. Returns its number.
   * Throws CLIENT_BUSY, or as `assertOpen` does.
   */
  request(op: number, head: Uint8Array, pending: PendingRequest, flags = 0, payload: Uint8Array = NO_PAYLOAD): number {
    this.assertOpen();
    const cost = head.length + payload.length + REQUEST_COST;
    this.pendingBytes.reserve(cost);
    try {
      const request = this.#issue(op, flags, head, pending, payload);
      pending.pendingBytes = cost;
      this.#deadlines.set(pending);
      return request;
    } catch (error) {
      this.pendingBytes.release(cost);
      throw error;
    }
  }

  /** As `request`, but never refused with CLIENT_BUSY; and what waits for messages is not given up while it waits to be sent. */
  reinstate(
    op: number,
    head: Uint8Array,
    pending: PendingRequest,
    flags = 0,
    payload: Uint8Array = NO_PAYLOAD,
  ): number {
    const request = this.#issue(op, flags, head, pending, payload);
    if (pending.patience === Patience.REQUEST) this.#deadlines.set(pending);
    return request;
  }

  /**
   * As `request`, for what concerns this transport: throws as `assertConnected` does. It frees memory in the broker or here, and
   * is never refused with CLIENT_BUSY.
   */
  control(op: number, head: Uint8Array, pending: PendingRequest, payload: Uint8Array = NO_PAYLOAD, flags = 0): number {
    this.assertConnected();
    this.seal();
    this.assertConnected();
    return this.send(op, flags, head, pending, payload);
  }

  /** As `control`, for a batcher while it is sealed: the others are not sealed first. */
  send(op: number, flags: number, head: Uint8Array, pending: PendingRequest, payload: Uint8Array): number {
    this.assertConnected();
    try {
      this.#sendQueue.reserve(head, payload);
    } catch (error) {
      throw asBadArgument(error);
    }
    const request = this.#requests.add(pending);
    this.#sendQueue.add(op, flags, request, head, payload);
    pending.isSent = true;
    if (pending.isRepeatable && this.revival !== undefined) {
      pending.frame = encodeFrame(op, flags, request, head, payload);
    }
    this.schedule();
    return request;
  }

  /** Takes back a request that has not been sent, which fails with this error. False: it was sent, or answered. */
  withdraw(request: number, error: RingmqError): boolean {
    return this.#waiting.withdraw(request, error);
  }

  /** Sends a request that has no answer. */
  notify(op: number, head: Uint8Array, payload: Uint8Array = NO_PAYLOAD, flags = 0): void {
    if (this.#failure === undefined && this.hasTransport) this.#sendQueue.add(op, flags, 0, head, payload);
    this.schedule();
  }

  /** Sends what another program waits for: it has no answer, and does not wait until requests are answered. */
  settle(op: number, head: Uint8Array, payload: Uint8Array = NO_PAYLOAD): void {
    if (this.#failure === undefined && this.hasTransport) this.#sendQueue.addFree(op, head, payload);
    this.schedule();
  }

  /** Has everything sent that was asked for so far. */
  flush(): void {
    if (this.#failure !== undefined) return;
    this.seal();
    if (this.#failure !== undefined || this.#transport === undefined) return;
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
    this.#deadlines.set(pending);
    const isSent = this.#transport !== undefined;
    if (!isSent || (pending.isRepeatable && this.revival !== undefined)) this.#kept.keep(chunk, pending);
    pending.isSent = isSent;
    try {
      if (isSent) this.#sendQueue.attach(chunk);
      else this.#sendQueue.recycle(chunk);
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
      await this.#waiting.answered();
    }
  }

  /**
   * Sends every request, waits for no answer, and closes. Resolves when the transport is gone, which is ended by force after
   * this many milliseconds.
   */
  async close(timeout = CLOSE_TIMEOUT): Promise<void> {
    const transport = this.#transport;
    if (this.#failure === undefined) {
      if (transport !== undefined) {
        this.seal();
        this.#sendQueue.flushAll();
      }
      // After GOODBYE the broker is the reason, although this side closes.
      this.#end(this.#reason);
      transport?.end();
    }
    if (transport === undefined || this.#transport === undefined) this.#gone.resolve();
    const timer = startTimer(timeout, () => {
      transport?.destroy();
      this.#gone.resolve();
    });
    await this.#gone.promise;
    timer.cancel();
  }

  /** Goes on over another transport, to a broker that may be another one: `resend` sends what waits. */
  reopen(transport: Transport, info: BrokerInfo, resend: Resend): this {
    this.assertOpen();
    this.info = info;
    this.#transport = transport;
    this.#sendQueue = this.#queueFor(transport);
    resend(this.#waiting, this.#sendQueue, info.limits.maxFrameBytes, this.clock.now());
    this.flush();
    return this;
  }

  /** No transport will come any more. */
  giveUp(reason: RingmqError): void {
    this.#end(reason);
    this.#gone.resolve();
  }

  /** Ends the transport, which the broker does not answer on, say. */
  drop(reason: RingmqError): void {
    if (this.#transport !== undefined) this.violated(this.#transport, reason);
  }

  /** Takes a frame from the broker. Throws ProtocolError when a broker may not send it now. */
  frame(bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void {
    if (this.#failure === undefined && this.#transport !== undefined)
      this.#answers.take(bytes, view, start, payload, end);
  }

  /** To be called after the frames of one read: sends requests that waited for these answers. */
  resume(): void {
    if (this.#failure === undefined && this.#transport !== undefined) this.#sendQueue.resume();
  }

  /** A request was answered. */
  answered(pending: PendingRequest): void {
    if (pending.pendingBytes > 0) this.pendingBytes.release(pending.pendingBytes);
    pending.frame = undefined;
    if (pending.chunk !== undefined) this.#sendQueue.recycle(pending.chunk);
    this.#sendQueue.answered();
    this.#waiting.check();
  }

  /** Whether a request that the broker refuses because it stops is kept, and sent to the next one. */
  isKept(request: number): boolean {
    return this.revival !== undefined && this.#requests.get(request)?.frame !== undefined;
  }

  /** The broker is about to stop, and closes the connection then. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** The broker has announced that it will close the connection, and why. */
  expectEnd(reason: RingmqError): void {
    this.#reason ??= reason;
  }

  drained(transport: Transport): void {
    if (this.#failure === undefined && this.#transport === transport) this.#sendQueue.drained();
  }

  /** The transport is gone. */
  ended(transport: Transport, error: Error | undefined): void {
    if (this.#transport !== transport) return;
    this.#lose(this.#reason ?? localError("CONNECTION_CLOSED", "the broker closed the connection", error));
  }

  /** The broker has violated the protocol: nothing after that can be understood. */
  violated(transport: Transport, error: RingmqError): void {
    if (this.#transport !== transport) return;
    this.#lose(this.#reason ?? error);
    transport.destroy();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** Part of a frame may have been written: the broker could not understand anything after it. */
  #broken(error: unknown): void {
    this.drop(localError("CONNECTION_CLOSED", "what was asked for could not be sent", error));
  }

  #queueFor(transport: Transport): SendQueue {
    const { maxInFlight } = this.#limits;
    return new SendQueue(transport, Math.max(1, Math.min(maxInFlight, this.info.limits.maxInFlight)));
  }

  /** Sends a request, or keeps it for the next transport. */
  #issue(op: number, flags: number, head: Uint8Array, pending: PendingRequest, payload: Uint8Array): number {
    this.assertOpen();
    this.seal();
    this.assertOpen();
    if (this.isConnected) return this.send(op, flags, head, pending, payload);
    const request = this.#requests.add(pending);
    pending.frame = encodeFrame(op, flags, request, head, payload);
    return request;
  }

  /** The transport is gone. Goes on without one, or ends. */
  #lose(reason: RingmqError): void {
    // What this program did would have the broker end the next one as well.
    const isFinal = this.#reason?.retryable === false && this.#reason.code !== "SLOW_SUBSCRIBER";
    if (this.#failure !== undefined || this.revival === undefined || isFinal) {
      this.#end(reason);
      this.#transport = undefined;
      this.#gone.resolve();
      return;
    }
    this.#transport = undefined;
    this.#isLeaving = false;
    this.#reason = undefined;
    const lost = localError("CONNECTION_CLOSED", "the connection ended before the answer came", reason);
    this.#loss = lost;
    for (const batcher of this.batchers) batcher.lost(lost);
    this.#waiting.lose(lost);
    loseSinks(this, reason, (request) => this.#requests.has(request));
    this.revival.lost(reason);
  }

  /** `reason` is undefined when the program closed the connection. */
  #end(reason: RingmqError | undefined): void {
    if (this.#failure !== undefined) return;
    this.revival?.stop();
    this.#deadlines.stop();
    this.#failure =
      reason === undefined
        ? localError("CLIENT_CLOSED", "the client was closed")
        : localError("CONNECTION_CLOSED", `the connection has ended: ${reason.message}`, reason);
    const lost = localError("CONNECTION_CLOSED", "the connection ended before the answer came", reason);
    for (const batcher of this.batchers) batcher.fail(lost);
    this.#requests.failAll(lost);
    this.pendingBytes.fail(lost);
    this.#waiting.check();
    endSinks(this, reason);
    this.#closed.resolve(reason);
  }
}
