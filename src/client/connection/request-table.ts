/**
 * The unanswered requests of a connection, by number.
 */
import type { RingmqError } from "../base/error.js";
import { HELLO_REQUEST } from "./hello.js";
import type { PendingRequest } from "./pending-request.js";

const MAX_REQUEST = 0xffff_ffff;

export class RequestTable {
  readonly #pending = new Map<number, PendingRequest>();
  #last: number;
  /** All numbers have been used once: the next one may still be taken. */
  #wrapped = false;
  /** Whether a consumer or a subscription still uses the number of its CONSUME or SUBSCRIBE. */
  readonly #isInUse: (request: number) => boolean;

  /** `last` is the number before the first. */
  constructor(isInUse: (request: number) => boolean, last = HELLO_REQUEST) {
    this.#isInUse = isInUse;
    this.#last = last;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Numbers a request one above the last: the broker answers requests with consecutive numbers together. */
  add(pending: PendingRequest): number {
    do {
      if (this.#last === MAX_REQUEST) {
        this.#last = 0;
        this.#wrapped = true;
      }
      this.#last++;
    } while (this.#wrapped && (this.#pending.has(this.#last) || this.#isInUse(this.#last)));
    this.#pending.set(this.#last, pending);
    return this.#last;
  }

  has(request: number): boolean {
    return this.#pending.has(request);
  }

  get(request: number): PendingRequest | undefined {
    return this.#pending.get(request);
  }

  /** All of them, in the order in which they were asked for. */
  entries(): IterableIterator<[number, PendingRequest]> {
    return this.#pending.entries();
  }

  /** Another one is answered in place of this. */
  replace(request: number, pending: PendingRequest): void {
    this.#pending.set(request, pending);
  }

  /** Removes a request that is being answered; undefined when there is none with this number. */
  take(request: number): PendingRequest | undefined {
    const pending = this.#pending.get(request);
    if (pending !== undefined) this.#pending.delete(request);
    return pending;
  }

  /** No answer will come. */
  failAll(error: RingmqError): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of all) pending.failed(error);
  }
}
