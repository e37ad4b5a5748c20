/**
 * One HTTP request until it is answered or its connection is gone. Answers come later than the handler returns, so
 * every write asks first whether the connection still stands: uWebSockets.js throws for one that does not.
 */
import type { HttpResponse } from "uWebSockets.js";

const CONTENT_TYPE = "Content-Type";
const JSON_TYPE = "application/json";

export class Exchange {
  readonly #response: HttpResponse;
  #open = true;
  #begun = false;
  #writable: (() => void) | undefined;
  #gone: (() => void) | undefined;

  constructor(response: HttpResponse) {
    this.#response = response;
    response.onAborted(() => {
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
