/**
 * One HTTP request until it is answered or its connection is gone. Answers come later than the handler returns, so
 * every write asks first whether the connection still stands: uWebSockets.js throws for one that does not.
 */
import type { HttpResponse } from "uWebSockets.js";
import { UnsentAnswers } from "./unsent-answers.js";

const CONTENT_TYPE = "Content-Type";
const JSON_TYPE = "application/json";

/** In characters. What a socket does not take of a shorter answer is uWebSockets.js's to keep, and is not counted. */
const SHORT_ANSWER = 16 * 1024;

export class Exchange {
  readonly #response: HttpResponse;
  readonly #unsent: UnsentAnswers;
  /** Of a long answer: bytes that are counted as unsent. */
  #left = 0;
  #open = true;
  #begun = false;
  #writable: (() => void) | undefined;
  #gone: (() => void) | undefined;

  constructor(response: HttpResponse, unsent = new UnsentAnswers()) {
    this.#response = response;
    this.#unsent = unsent;
    response.onAborted(() => {
      this.#account(0);
      if (!this.#open) return;
      this.#open = false;
      this.#settle();
      this.#gone?.();
    });
  }

  /** Calls back when the connection closes before the answer is sent. */
  onGone(callback: () => void): void {
    this.#gone = callback;
  }

  /** False once the answer is sent or the client has gone. */
  get open(): boolean {
    return this.#open;
  }

  /** Sends the whole answer. Nothing happens when the client has gone. */
  send(json: string): void {
    if (!this.#open) return;
    this.#open = false;
    if (json.length > SHORT_ANSWER) return this.#sendLong(Buffer.from(json));
    this.#response.cork(() => {
      this.#response.writeHeader(CONTENT_TYPE, JSON_TYPE).end(json);
    });
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
    this.#response.cork(() => {
      this.#response.end(part);
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

  /** What the socket does not take stays here, so that it can be counted. */
  #sendLong(bytes: Buffer): void {
    this.#account(bytes.length);
    this.#response.onWritable((offset) => this.#continue(bytes, offset));
    this.#response.cork(() => {
      this.#response.writeHeader(CONTENT_TYPE, JSON_TYPE);
      this.#continue(bytes, 0);
    });
  }

  /** False: there is more to send. */
  #continue(bytes: Buffer, offset: number): boolean {
    const [isTaken, isWhole] = this.#response.tryEnd(bytes.subarray(offset), bytes.length);
    // Once the answer is whole the response is no more.
    this.#account(isWhole ? 0 : bytes.length - this.#response.getWriteOffset());
    return isTaken;
  }

  #account(left: number): void {
    this.#unsent.bytes += left - this.#left;
    this.#left = left;
  }

  #begin(): void {
    this.#begun = true;
    this.#response.writeHeader(CONTENT_TYPE, JSON_TYPE);
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
