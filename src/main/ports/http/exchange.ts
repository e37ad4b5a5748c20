/**
 * One HTTP request until it is answered or its client is gone. Answers come later than the handler returns; one for a
 * client that has gone goes nowhere. All that calls back on behalf of the request calls back in its boundary: what is
 * thrown there answers it with 500 or, when a part of its answer is sent, closes its connection.
 */
import type { Credential } from "../../access/user.js";
import { type Log, SILENT } from "../../log.js";
import { contain, guard } from "../../native/error-boundary.js";
import type { Caller } from "./caller.js";
import type { AnswerHead, AnswerStream, HttpResponse } from "./engine.js";
import { UnsentAnswers } from "./unsent-answers.js";

export const JSON_TYPE = "application/json";

/** In characters. What a socket does not take of a shorter answer is the engine's to keep, and is not counted. */
const SHORT_ANSWER = 16 * 1024;

const INTERNAL_ERROR = "500 Internal Server Error";
const FAILED = "the broker failed on this request; its log says why";

/** What pages of other origins may send once they are let in at all. */
const PREFLIGHT: AnswerHead["fields"] = [
  ["Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
  // The star means all but this one.
  ["Access-Control-Allow-Headers", "*, Authorization"],
  ["Access-Control-Max-Age", "600"],
];

const NO_FIELDS: AnswerHead["fields"] = [];
const JSON_HEAD: AnswerHead = { status: undefined, type: JSON_TYPE, fields: NO_FIELDS };

/** The JSON of a refusal: why, for people, and the status that it has. */
export type RefusalBody = (text: string, status: string) => string;

/** What all exchanges of a path share. */
export interface ExchangeContext {
  readonly log: Log;
  readonly unsent: UnsentAnswers;
  readonly refusal: RefusalBody;
}

/** For those who have no port. */
const ALONE: ExchangeContext = { log: SILENT, unsent: new UnsentAnswers(), refusal: (text) => JSON.stringify(text) };

export class HttpExchange {
  /** What its client has shown; undefined: nobody is asked. */
  credential: Credential | undefined;
  readonly #response: HttpResponse;
  readonly #context: ExchangeContext;
  readonly #what: string;
  readonly #origin: string | undefined;
  /** Of a long answer: bytes that are counted as unsent. */
  #left = 0;
  #open = true;
  #begun = false;
  #writable: (() => void) | undefined;
  #gone: (() => void) | undefined;

  /**
   * @param what for the log: what has been asked for
   * @param origin of the page that asks, which its browser is to show the answer
   */
  constructor(response: HttpResponse, context = ALONE, what = "", origin?: string) {
    this.#response = response;
    this.#context = context;
    this.#what = what;
    this.#origin = origin;
    response.onAborted(() => this.run(() => this.#aborted()));
  }

  /** Runs what is done for this request in its boundary. */
  run(work: () => unknown): void {
    guard(this.#context.log, this.#what, work, this.#onFault);
  }

  /** The same for what is to call back later. */
  guarded<T>(callback: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        callback(value);
      } catch (error) {
        contain(this.#context.log, this.#what, error, this.#onFault);
      }
    };
  }

  /** Who asks; only while the handler of the request runs. */
  get caller(): Caller {
    return { address: this.#response.remoteAddress, credential: this.credential };
  }

  /** Calls back when the connection closes before the answer is sent. */
  onGone(callback: () => void): void {
    this.#gone = callback;
  }

  /** Calls back with each part of the body, whose bytes are good until it returns. */
  onData(callback: (bytes: Buffer, isLast: boolean) => void): void {
    this.#response.onData((bytes, isLast) => {
      try {
        callback(bytes, isLast);
      } catch (error) {
        contain(this.#context.log, this.#what, error, this.#onFault);
      }
    });
  }

  /** Reads no more of the body for now; a part that has been read already may still come. */
  pauseBody(): void {
    this.#response.pauseBody();
  }

  resumeBody(): void {
    this.#response.resumeBody();
  }

  /** False once the answer is sent or the client has gone. */
  get open(): boolean {
    return this.#open;
  }

  /** Sends the whole answer. Nothing happens when the client has gone. */
  send(json: string): void {
    this.#sendWhole(this.#jsonHead(), json);
  }

  /** The same with a status other than 200, a type of its own, or more headers. */
  reply(status: string | undefined, type: string | undefined, text: string, fields = NO_FIELDS): void {
    this.#sendWhole(this.#head(status, type, fields), text);
  }

  /** The same with a body of bytes, which must not change until they are sent. */
  replyBytes(status: string | undefined, type: string, bytes: Buffer, fields = NO_FIELDS): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.sendLong(this.#head(status, type, fields), bytes, (left) => this.#account(left));
  }

  /** Answers without a body. */
  sendNothing(status: string | undefined, fields = NO_FIELDS): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.send(this.#head(status, undefined, fields), undefined);
  }

  /** Tells a browser that its page may ask. */
  sendPreflight(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.send(this.#head("204 No Content", undefined, PREFLIGHT), undefined);
  }

  /** Refuses the request, in the words of its path. */
  refuse(status: string, text: string, fields = NO_FIELDS): void {
    this.reply(status, JSON_TYPE, this.#context.refusal(text, status), fields);
  }

  /** The same, and closes its connection; what has come behind it is not run. */
  reject(status: string, text: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.reject(this.#head(status, JSON_TYPE), this.#context.refusal(text, status));
  }

  /** Counts bytes as unsent that are kept for an answer which is sent in parts, until its end. */
  keep(bytes: number): void {
    if (this.#open) this.#account(bytes);
  }

  /** Sends a part of an answer, and resolves when the client has taken enough for another, or has gone. */
  async write(part: string): Promise<void> {
    if (!this.#open) return;
    const taken = new Promise<void>((resolve) => {
      this.#writable = resolve;
    });
    if (this.#begun ? this.#response.write(part) : this.#begin(part)) this.#settle();
    await taken;
  }

  /** Sends the last part of an answer. */
  end(part: string): void {
    if (!this.#begun) return this.send(part);
    if (!this.#open) return;
    this.#open = false;
    this.#account(0);
    this.#response.end(part);
  }

  /** Begins an answer without an end; undefined: the client has gone. `onGone` tells when it goes. */
  stream(type: string, fields: AnswerHead["fields"], onDrained: () => void): AnswerStream | undefined {
    if (!this.#open) return undefined;
    this.#begun = true;
    return this.#response.stream(this.#head(undefined, type, fields), this.guarded<void>(onDrained));
  }

  /** Sends a refusal; or, when a part of the answer is sent already, breaks off: that part must not look whole. */
  fail(json: string): void {
    if (this.#begun) this.abort();
    else this.send(json);
  }

  /** Closes the connection without an answer. */
  abort(): void {
    if (this.#open) this.#response.close();
  }

  readonly #onFault = (): void => {
    if (this.#open && !this.#begun) this.refuse(INTERNAL_ERROR, FAILED);
    else this.#response.close();
  };

  #aborted(): void {
    this.#account(0);
    if (!this.#open) return;
    this.#open = false;
    this.#settle();
    this.#gone?.();
  }

  #sendWhole(head: AnswerHead, text: string): void {
    if (!this.#open) return;
    this.#open = false;
    if (text.length <= SHORT_ANSWER) this.#response.send(head, text);
    else this.#response.sendLong(head, Buffer.from(text), (left) => this.#account(left));
  }

  #jsonHead(): AnswerHead {
    return this.#origin === undefined ? JSON_HEAD : this.#head(undefined, JSON_TYPE);
  }

  #head(status: string | undefined, type: string | undefined, fields = NO_FIELDS): AnswerHead {
    if (this.#origin === undefined) return { status, type, fields };
    return {
      status,
      type,
      fields: [["Access-Control-Allow-Origin", this.#origin], ["Vary", "Origin"], ...fields],
    };
  }

  #account(left: number): void {
    this.#context.unsent.bytes += left - this.#left;
    this.#left = left;
  }

  #begin(part: string): boolean {
    this.#begun = true;
    this.#response.onWritable(() => this.#settle());
    return this.#response.begin(this.#jsonHead(), part);
  }

  #settle(): void {
    const writable = this.#writable;
    this.#writable = undefined;
    writable?.();
  }
}
