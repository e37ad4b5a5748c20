/**
 * Sends requests to responders, and takes their replies.
 */
import { appendEntry } from "../../protocol/entry.js";
import { DEFAULT_CALL_TIMEOUT } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import type { Body, RequestOptions } from "../arguments/options.js";
import type { RequestChecks } from "../arguments/request-checks.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Timer } from "../base/timer.js";
import { type Connection, REQUEST_COST } from "../connection/connection.js";
import { Patience, PromisedRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { encodeHeaders, MESSAGE_COST, readContent } from "../publish/message-encoding.js";
import { checkOneEntry, Reply } from "./reply.js";

const BODY = (): string => "body";

const NO_OPTIONS: RequestOptions = {};

/** A request that its program can abandon. */
class CallRequest extends PromisedRequest<Reply> {
  #signal: AbortSignal | undefined;
  #abandon: (() => void) | undefined;
  #timer: Timer | undefined;

  /** Once it is sent, the broker ends it. */
  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }

  /** It waits to be sent, and is given up at the end of this timer whatever has become of it. */
  limit(timer: Timer): void {
    this.#timer = timer;
  }

  /** Has `abandon` called when the signal fires before the answer has come. */
  watch(signal: AbortSignal, abandon: () => void): void {
    this.#signal = signal;
    this.#abandon = () => {
      abandon();
      this.failed(aborted(signal));
    };
    signal.addEventListener("abort", this.#abandon, { once: true });
  }

  override replied(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    checkOneEntry(view, start, end);
    this.#unwatch();
    this.resolve(new Reply({ bytes, view }, start));
  }

  override failed(error: RingmqError, name?: string): void {
    this.#unwatch();
    super.failed(name === undefined ? error : responderError(name, error.message));
  }

  #unwatch(): void {
    this.#timer?.cancel();
    if (this.#abandon !== undefined) this.#signal?.removeEventListener("abort", this.#abandon);
    this.#abandon = undefined;
  }
}

/** The responder's program has failed with an error of this name. */
const responderError = (name: string, message: string): RingmqError => {
  const cause = new Error(message);
  cause.name = name;
  // It was thrown elsewhere, and nobody is told where.
  delete cause.stack;
  return localError("RESPONDER_FAILED", `the responder has failed: ${name}: ${message}`, cause);
};

const aborted = (signal: AbortSignal): RingmqError =>
  localError("ABORTED", "the request was abandoned by its signal", signal.reason);

export class Caller {
  readonly #connection: Connection;
  readonly #checks: RequestChecks;

  constructor(connection: Connection, checks: RequestChecks) {
    this.#connection = connection;
    this.#checks = checks;
  }

  request(channel: string, body: Body, options: RequestOptions = NO_OPTIONS): Promise<Reply> {
    try {
      return this.#send(channel, body, options).promise;
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  #send(channel: string, body: Body, options: RequestOptions): CallRequest {
    // Options and headers first: reading them may run code of the program, which may request as well.
    const { timeout, headers, signal } = this.#checks.request(channel, options);
    if (signal?.aborted === true) throw aborted(signal);
    const { pendingBytes, info } = this.#connection;
    const encoded = encodeHeaders(headers);
    const content = readContent(BODY, body, encoded, info.limits.maxMessageBytes);
    const head = requestHead([channel, timeout]);
    // What was published before is sent before.
    this.#connection.seal();
    const chunk = this.#connection.begin(Op.CALL, head);
    const cost = head.length + encoded.length + content.length + REQUEST_COST + MESSAGE_COST;
    pendingBytes.reserve(cost);
    try {
      appendEntry(chunk, encoded, content);
    } catch (error) {
      pendingBytes.release(cost);
      throw error;
    }
    const pending = new CallRequest();
    pending.pendingBytes = cost;
    const number = this.#connection.attach(chunk, pending);
    this.#connection.schedule();
    if (signal !== undefined) pending.watch(signal, () => this.#abandon(number, aborted(signal)));
    if (!pending.isSent) this.#limit(pending, number, timeout ?? DEFAULT_CALL_TIMEOUT);
    return pending;
  }

  /** It may wait for a connection as long as for its reply. */
  #limit(pending: CallRequest, number: number, timeout: number): void {
    const { clock } = this.#connection;
    const error = localError("REQUEST_TIMEOUT", "there was no connection in time, or no reply");
    pending.limit(
      clock.startTimer(timeout, () => {
        this.#abandon(number, error);
        pending.failed(error);
      }),
    );
  }

  #abandon(number: number, error: RingmqError): void {
    if (!this.#connection.withdraw(number, error)) this.#connection.notify(Op.ABANDON, requestHead([number]));
  }
}
