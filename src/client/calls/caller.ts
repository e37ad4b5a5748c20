/**
 * Sends requests to responders, and takes their replies.
 */
import { appendEntry } from "../../protocol/entry.js";
import { Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import type { Body, RequestOptions } from "../arguments/options.js";
import type { RequestChecks } from "../arguments/request-checks.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Connection } from "../connection/connection.js";
import { Patience, PromisedRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { encodeHeaders, MESSAGE_COST, readContent } from "../publish/message-encoding.js";
import { checkOneEntry, Reply } from "./reply.js";

/** What a request counts for beside its bytes: its object, its promise, its entry in the table. */
const REQUEST_COST = 256;

const BODY = (): string => "body";

const NO_OPTIONS: RequestOptions = {};

/** A request that its program can abandon. */
class CallRequest extends PromisedRequest<Reply> {
  #signal: AbortSignal | undefined;
  #abandon: (() => void) | undefined;

  /** Has `abandon` called when the signal fires before the answer has come. */
  watch(signal: AbortSignal, abandon: () => void): void {
    this.#signal = signal;
    this.#abandon = () => {
      abandon();
      this.failed(aborted(signal));
    };
    signal.addEventListener("abort", this.#abandon, { once: true });
  }

  /** The broker sees to its timeout. */
  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }

  override replied(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    checkOneEntry(view, start, end);
    this.#unwatch();
    this.resolve(new Reply({ bytes, view }, start));
  }

  override failed(error: RingmqError): void {
    this.#unwatch();
    super.failed(error);
  }

  #unwatch(): void {
    if (this.#abandon !== undefined) this.#signal?.removeEventListener("abort", this.#abandon);
    this.#abandon = undefined;
  }
}

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
    if (signal !== undefined) pending.watch(signal, () => this.#connection.notify(Op.ABANDON, requestHead([number])));
    return pending;
  }
}
