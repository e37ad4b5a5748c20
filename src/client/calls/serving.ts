/**
 * A responder of a connection: hands each call that the broker gives it to the handler, and sends what comes of it back.
 */
import { readCallHead } from "../../protocol/call.js";
import { appendEntry } from "../../protocol/entry.js";
import { FrameWriter } from "../../protocol/frame.js";
import { MAX_FAILURE_NAME_BYTES, MAX_FAILURE_TEXT_BYTES } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import { asBadArgument, badArgument, checkObject, reasonOf, shown } from "../arguments/argument-checks.js";
import { firstUnknown, readOptions } from "../arguments/option-reader.js";
import type { Body } from "../arguments/options.js";
import { REQUEST_OPTIONS } from "../arguments/request-options.js";
import { backoff, FIRST_WAIT, MAX_WAIT } from "../base/backoff.js";
import { type Deferred, deferred, unobserved } from "../base/deferred.js";
import { brokerError, localError, RingmqError } from "../base/error.js";
import { mayPass } from "../base/may-pass.js";
import { type Timer, within } from "../base/timer.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest, Patience } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import type { ResponderSink } from "../connection/sinks.js";
import { isBody } from "../publish/body.js";
import { encodeHeaders, readContent } from "../publish/message-encoding.js";
import type { RequestHandler } from "./handler.js";
import { ReceivedRequest } from "./received-request.js";
import { checkOneEntry } from "./reply.js";

const REPLY = (): string => "the reply";

const REPLIES = "text, a Uint8Array, or { body, headers }";

/** A reply as it was given: a body alone, or with headers; nothing is an empty body. */
const readReply = (given: unknown): { readonly body: Body; readonly headers: unknown } => {
  if (given === undefined) return { body: "", headers: undefined };
  if (isBody(given)) return { body: given as Body, headers: undefined };
  checkObject("the reply", given, REPLIES);
  // A Date, a Map and the like have no properties that could be taken for what they are.
  if (!("body" in Object(given) || "headers" in Object(given) || isPlain(given as object))) {
    throw badArgument("the reply", given, REPLIES);
  }
  const stranger = firstUnknown(given as object, REQUEST_OPTIONS.reply);
  if (stranger !== undefined) {
    const why = `it is an object with ${shown(stranger)}, which JSON.stringify makes a text`;
    throw localError("BAD_ARGUMENT", `the reply must be ${REPLIES}; ${why}`);
  }
  const { body, headers } = readOptions(given as { body?: Body; headers?: unknown }, REQUEST_OPTIONS.reply);
  return { body: body ?? "", headers };
};

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";

/** The name and message of what a handler has thrown, which may be anything. No stack: the requester is a stranger. */
const failureOf = (thrown: unknown): readonly [string, string] => {
  try {
    if (thrown instanceof Error) {
      const { name, message } = thrown as { readonly name: unknown; readonly message: unknown };
      // What is no text would make a FAIL that no broker takes, and nobody would answer the requester.
      if (typeof name === "string" && typeof message === "string") {
        return [name.slice(0, MAX_FAILURE_NAME_BYTES), message.slice(0, MAX_FAILURE_TEXT_BYTES)];
      }
    }
  } catch {
    // A getter of the program's own has thrown.
  }
  return ["Error", reasonOf(thrown)];
};

const stopped = (): RingmqError => localError("CLIENT_CLOSED", "the responder was stopped");

class RespondRequest extends CountRequest {
  // On another connection the broker knows nothing of it.
  override isRepeatable = true;

  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }
}

export class Serving implements ResponderSink {
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #handler: RequestHandler;
  readonly #concurrency: number;
  /** By the broker's number. */
  readonly #running = new Map<number, ReceivedRequest>();
  readonly #closed = deferred<RingmqError | undefined>();
  /** The number of its RESPOND. */
  #request = 0;
  #isOver = false;
  #idle: Deferred<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** Nobody waits for its handlers any more. */
  #isCutOff = false;
  /** Until the broker is asked again. */
  #timer: Timer | undefined;

  private constructor(connection: Connection, channel: string, handler: RequestHandler, concurrency: number) {
    this.#connection = connection;
    this.#channel = channel;
    this.#handler = handler;
    this.#concurrency = concurrency;
  }

  /** Resolves when the broker has it. */
  static async start(
    connection: Connection,
    channel: string,
    handler: RequestHandler,
    concurrency: number,
  ): Promise<Serving> {
    const serving = new Serving(connection, channel, handler, concurrency);
    await serving.#register((head, pending) => connection.request(Op.RESPOND, head, pending));
    return serving;
  }

  /** Resolves when it has ended: with why, or with undefined when it was stopped, or when the program closed the connection. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Takes no more calls, and ends when those that it has are settled. Those that are not after so many milliseconds fail: a
   * handler may never end.
   */
  async stop(timeout: number, reason?: RingmqError): Promise<void> {
    this.#stopping ??= this.#stop(reason);
    await within(timeout, this.#stopping);
    this.#cutOff();
    await this.#stopping;
  }

  // ResponderSink

  called(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void {
    const { call, second: timeLeft } = readCallHead(bytes, head, start);
    checkOneEntry(view, start, end);
    const request = new ReceivedRequest(this.#channel, timeLeft, { bytes, view }, start);
    this.#running.set(call, request);
    let outcome: unknown;
    try {
      outcome = this.#handler(request);
      if (isThenable(outcome)) return this.#await(call, outcome);
    } catch (error) {
      return this.#fail(call, error);
    }
    this.#reply(call, outcome);
  }

  abandoned(bytes: Uint8Array, head: number, end: number): void {
    const { call, second: code } = readCallHead(bytes, head, end);
    this.#running.get(call)?.abandon(brokerError(code, "nobody waits for the reply any more"));
  }

  lost(reason: RingmqError): void {
    this.#drop(reason);
    // The next connection is asked at once, and only once.
    this.#timer?.cancel();
    if (this.#stopping === undefined) this.#registerAgain(0);
  }

  ended(error: RingmqError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#drop(error ?? localError("CLIENT_CLOSED", "the client was closed"));
    this.#closed.resolve(error);
  }

  /** Sends RESPOND. Resolves when it is confirmed, on whatever connection. */
  async #register(send: (head: Uint8Array, pending: RespondRequest) => number): Promise<void> {
    const { responders } = this.#connection;
    const pending = new RespondRequest();
    this.#request = send(requestHead([this.#channel, this.#concurrency]), pending);
    // Calls may come with its CONFIRM.
    responders.set(this.#request, this);
    try {
      await pending.promise;
    } catch (error) {
      responders.delete(this.#request);
      throw error;
    }
  }

  /** Goes on over the next connection, unless the broker refuses it for a reason that another attempt would not change. */
  #registerAgain(attempt: number): void {
    const asked = this.#register((head, pending) => this.#connection.reinstate(Op.RESPOND, head, pending));
    unobserved(
      asked.catch((thrown: unknown) => {
        if (this.#stopping !== undefined || this.#isOver) return;
        const error = asBadArgument(thrown);
        const { clock, responders, hasEnded } = this.#connection;
        if (hasEnded || !mayPass(error)) return this.ended(error);
        // Under its old number it hears of the end of the connection.
        responders.set(this.#request, this);
        this.#timer = clock.startTimer(backoff(attempt, FIRST_WAIT, MAX_WAIT), () => {
          responders.delete(this.#request);
          this.#registerAgain(attempt + 1);
        });
      }),
    );
  }

  /** What is under way is over: nobody would get the reply. */
  #drop(reason: RingmqError): void {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const request of running) request.abandon(reason);
    this.#idle?.resolve();
  }

  #await(call: number, outcome: PromiseLike<unknown>): void {
    Promise.resolve(outcome).then(
      (reply) => this.#reply(call, reply),
      (error: unknown) => this.#fail(call, error),
    );
  }

  #reply(call: number, given: unknown): void {
    if (!this.#running.has(call)) return;
    try {
      const { body, headers } = readReply(given);
      const encoded = encodeHeaders(headers);
      const content = readContent(REPLY, body, encoded, this.#connection.info.limits.maxMessageBytes);
      const entry = new FrameWriter(64);
      appendEntry(entry, encoded, content);
      this.#settle(Op.REPLY, call, requestHead([call]), entry.written());
    } catch (error) {
      this.#fail(call, error);
    }
  }

  #fail(call: number, thrown: unknown): void {
    if (!this.#running.has(call)) return;
    const [name, text] = failureOf(thrown);
    this.#settle(Op.FAIL, call, requestHead([call, name, text]));
  }

  #settle(op: number, call: number, head: Uint8Array, payload?: Uint8Array): void {
    // What the handler has published is sent before its reply, unless it waits until requests are answered.
    this.#connection.seal();
    this.#connection.settle(op, head, payload);
    this.#running.delete(call);
    if (this.#running.size === 0) this.#idle?.resolve();
  }

  async #stop(reason: RingmqError | undefined): Promise<void> {
    if (this.#isOver) return;
    this.#timer?.cancel();
    if (!this.#connection.withdraw(this.#request, stopped())) await this.#tellStop();
    // Calls may have come in the meantime.
    if (this.#isCutOff) this.#cutOff();
    if (this.#running.size > 0) {
      this.#idle = deferred();
      await this.#idle.promise;
    }
    this.#connection.responders.delete(this.#request);
    this.ended(reason);
  }

  #cutOff(): void {
    this.#isCutOff = true;
    for (const [call, request] of this.#running) {
      const reason = stopped();
      this.#fail(call, reason);
      request.abandon(reason);
    }
  }

  async #tellStop(): Promise<void> {
    const pending = new CountRequest();
    try {
      this.#connection.control(Op.STOP_RESPONDING, requestHead([this.#channel, this.#request]), pending);
      await pending.promise;
    } catch (error) {
      // The connection has ended, and what it had with it.
      if (!(error instanceof RingmqError)) throw error;
    }
  }
}
