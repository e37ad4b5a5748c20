/**
 * The requests that are not answered yet, by their numbers.
 */
import type { RingmqError } from "../base/error.js";
import { HELLO_REQUEST } from "./hello.js";
import type { Exchange } from "./pending-request.js";

const LAST = 0xffff_ffff;

export class Requests {
  readonly #waiting = new Map<number, Exchange>();
  #last: number;
  /** All numbers have been used once: from now on one may still be taken. */
  #wrapped = false;
  /** Says whether a number is held by a consumer or a subscription, which keeps that of its CONSUME or SUBSCRIBE. */
  readonly #held: (request: number) => boolean;

  /** `last` is the number before the first. */
  constructor(held: (request: number) => boolean, last = HELLO_REQUEST) {
    this.#held = held;
    this.#last = last;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Numbers a request: each one more than the last, because consecutive requests are answered together. */
  add(exchange: Exchange): number {
    do {
      if (this.#last === LAST) {
        this.#last = 0;
        this.#wrapped = true;
      }
      this.#last++;
    } while (this.#wrapped && (this.#waiting.has(this.#last) || this.#held(this.#last)));
    this.#waiting.set(this.#last, exchange);
    return this.#last;
  }

  has(request: number): boolean {
    return this.#waiting.has(request);
  }

  /** The request is answered: its exchange, or undefined if nobody asked. */
  take(request: number): Exchange | undefined {
    const exchange = this.#waiting.get(request);
    if (exchange !== undefined) this.#waiting.delete(request);
    return exchange;
  }

  /** No answer will come. */
  failAll(error: RingmqError): void {
    const exchanges = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const exchange of exchanges) exchange.failed(error);
  }
}
