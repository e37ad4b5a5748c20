/**
 * One HTTP request until it is answered or its connection is gone. Answers come later than the handler returns, so
 * every write asks first whether the connection still stands: uWebSockets.js throws for one that does not. All that
 * calls back on behalf of the request calls back in its boundary: what is thrown there answers it with 500 or, when a
 * part of its answer is sent, closes its connection.
 */
import type { HttpResponse } from "uWebSockets.js";
import { type Log, SILENT } from "../../../log.js";
import { contain, guard } from "../../../native/boundary.js";
import { failure } from "./envelope.js";
import { UnsentAnswers } from "./unsent-answers.js";

const CONTENT_TYPE = "Content-Type";
export const JSON_TYPE = "application/json";

/** In characters. What a socket does not take of a shorter answer is uWebSockets.js's to keep, and is not counted. */
const SHORT_ANSWER = 16 * 1024;

/**
 * A part of this size is written through. A shorter one waits for the end of what has been read, and is lost when
 * uWebSockets.js finds another request in there, which closes the connection.
 */
const WRITTEN_THROUGH = 16 * 1024;

const INTERNAL_ERROR = "500 Internal Server Error";
const FAILED = failure("the broker failed on this request; its log says why");

/** What pages of other origins may send once they are let in at all. */
const PREFLIGHT: readonly (readonly [string, string])[] = [
  ["Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
  ["Access-Control-Allow-Headers", "*"],
  ["Access-Control-Max-Age", "600"],
];

export class Exchange {
  readonly #response: HttpResponse;
  readonly #unsent: UnsentAnswers;
  readonly #log: Log;
  readonly #what: string;
  readonly #origin: string | undefined;
  /** Of a long answer: bytes that are counted as unsent. */
  #left = 0;
  #open = true;
  #begun = false;
  /** The answer is whole or the connection gone: the response must not be touched. */
  #over = false;
  #writable: (() => void) | undefined;
  #gone: (() => void) | undefined;

  /**
   * @param what for the log: what has been asked for
   * @param origin of the page that asks, which its browser is to show the answer
   */
  constructor(response: HttpResponse, unsent = new UnsentAnswers(), log: Log = SILENT, what = "", origin?: string) {
    this.#response = response;
    this.#unsent = unsent;
    this.#log = log;
    this.#what = what;
    this.#origin = origin;
    response.onAborted(() => {
      this.#over = true;
      this.run(() => this.#aborted());
    });
  }

  /** Runs what is done for this request in its boundary. */
  run(work: () => unknown): void {
    guard(this.#log, this.#what, work, this.#onFault);
  }

  /** The same for what is to call back later. */
  guarded<T>(callback: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        callback(value);
      } catch (error) {
        contain(this.#log, this.#what, error, this.#onFault);
      }
    };
  }

  /** Of the client; only while the handler of the request runs. */
  get remoteAddress(): string {
    return Buffer.from(this.#response.getRemoteAddressAsText()).toString("latin1");
  }

  /** Calls back when the connection closes before the answer is sent. */
  onGone(callback: () => void): void {
    this.#gone = callback;
  }

  /** Calls back with each part of the body, whose bytes are good until it returns. */
  onData(callback: (bytes: Buffer, isLast: boolean) => void): void {
    this.#response.onData((chunk, isLast) => {
      try {
        callback(Buffer.from(chunk), isLast);
      } catch (error) {
        contain(this.#log, this.#what, error, this.#onFault);
      }
    });
  }

  /** False once the answer is sent or the client has gone. */
  get open(): boolean {
    return this.#open;
  }

  /** Sends the whole answer. Nothing happens when the client has gone. */
  send(json: string): void {
    if (!this.#open) return;
    if (json.length <= SHORT_ANSWER) return this.reply(undefined, JSON_TYPE, json);
    this.#open = false;
    this.#sendLong(Buffer.from(json));
  }

  /** The same with a status other than 200 or a type of its own. */
  reply(status: string | undefined, type: string | undefined, text: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.cork(() => {
      this.#writeHead(status, type);
      this.#response.end(text);
      this.#over = true;
    });
  }

  /** Answers without a body. */
  sendNothing(status: string | undefined): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.cork(() => {
      this.#writeHead(status, undefined);
      this.#response.endWithoutBody();
      this.#over = true;
    });
  }

  /** Tells a browser that its page may ask. */
  sendPreflight(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.cork(() => {
      this.#writeHead("204 No Content", undefined);
      for (const [name, value] of PREFLIGHT) this.#response.writeHeader(name, value);
      this.#response.endWithoutBody();
      this.#over = true;
    });
  }

  /** Refuses the request and closes its connection; what has come behind it is not run. */
  reject(status: string, json: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.cork(() => {
      this.#writeHead(status, JSON_TYPE);
      this.#response.write(json.padEnd(WRITTEN_THROUGH));
    });
    // As long as the answer is not at its end, a request that was read with this one closes the connection.
    setImmediate(() => this.run(() => this.#finishRejection()));
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
    this.#response.cork(() => {
      if (!this.#begun) this.#begin();
      if (this.#response.write(part)) this.#settle();
    });
    await taken;
  }

  /** Sends the last part of an answer. */
  end(part: string): void {
    if (!this.#begun) return this.send(part);
    if (!this.#open) return;
    this.#open = false;
    this.#account(0);
    this.#response.cork(() => {
      this.#response.end(part);
      this.#over = true;
    });
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
    if (this.#over) return;
    if (this.#open && !this.#begun) this.reply(INTERNAL_ERROR, JSON_TYPE, FAILED);
    else this.#response.close();
  };

  #aborted(): void {
    this.#account(0);
    if (!this.#open) return;
    this.#open = false;
    this.#settle();
    this.#gone?.();
  }

  #finishRejection(): void {
    if (this.#over) return;
    this.#response.cork(() => {
      this.#response.end("", true);
      this.#over = true;
    });
  }

  #writeHead(status: string | undefined, type: string | undefined): void {
    if (status !== undefined) this.#response.writeStatus(status);
    if (type !== undefined) this.#response.writeHeader(CONTENT_TYPE, type);
    if (this.#origin === undefined) return;
    this.#response.writeHeader("Access-Control-Allow-Origin", this.#origin).writeHeader("Vary", "Origin");
  }

  /** What the socket does not take stays here, so that it can be counted. */
  #sendLong(bytes: Buffer): void {
    this.#account(bytes.length);
    this.#response.onWritable((offset) => {
      try {
        return this.#continue(bytes, offset);
      } catch (error) {
        contain(this.#log, this.#what, error, this.#onFault);
        return true;
      }
    });
    this.#response.cork(() => {
      this.#writeHead(undefined, JSON_TYPE);
      this.#continue(bytes, 0);
    });
  }

  /** False: there is more to send. */
  #continue(bytes: Buffer, offset: number): boolean {
    const [isTaken, isWhole] = this.#response.tryEnd(bytes.subarray(offset), bytes.length);
    // Once the answer is whole the response is no more.
    if (isWhole) this.#over = true;
    this.#account(isWhole ? 0 : bytes.length - this.#response.getWriteOffset());
    return isTaken;
  }

  #account(left: number): void {
    this.#unsent.bytes += left - this.#left;
    this.#left = left;
  }

  #begin(): void {
    this.#begun = true;
    this.#writeHead(undefined, JSON_TYPE);
    this.#response.onWritable(() => {
      this.#settle();
      return true;
    });
  }

  #settle(): void {
    const writable = this.#writable;
    this.#writable = undefined;
    writable?.();
  }
}
