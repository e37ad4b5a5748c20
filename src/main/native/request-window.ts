/**
 * The unanswered requests of one connection, and the shard that each waits on. Clients number requests 1, 2, 3, …, so
 * a request's own low bits are its slot: no hashing, and a few nanoseconds to add or to clear.
 *
 * A slot that is taken by another live request (a pop that waits for minutes while others pass it by) makes the table
 * double while it is well filled, and otherwise sends the newcomer to a small map.
 */

import { SmallMap } from "../../collections/small-map.js";

/** The result of `add`. */
export const Admission = { TAKEN: 0, DUPLICATE: 1, FULL: 2 } as const;

/** Slots of an idle connection: so few lie within their arrays, and need no memory outside the heap. */
const MIN_SLOTS = 8;

/** A smaller table grows whatever is in it. */
const BUSY_SLOTS = 64;

/** A larger table less than 1/4 full does not grow: the collision is one of unlucky numbers. */
const FILL = 4;

/** In place of a shard, for a request that the main thread answers itself. */
export const NO_SHARD = 0xffff;

/** No request. The protocol forbids the number. */
const NONE = 0;

export class RequestWindow {
  #requests = new Uint32Array(MIN_SLOTS);
  #shards = new Uint16Array(MIN_SLOTS);
  #mask = MIN_SLOTS - 1;
  #count = 0;
  /** Request → shard, of requests whose slot was taken. */
  readonly #strays = new SmallMap<number, number>();

  constructor(readonly maxInFlight: number) {}

  /** Unanswered requests. */
  get size(): number {
    return this.#count;
  }

  /** Lets a request in, or says as an `Admission` why not. `request` is not 0. */
  add(request: number, shard: number): number {
    if (this.#count >= this.maxInFlight) return this.has(request) ? Admission.DUPLICATE : Admission.FULL;
    const slot = request & this.#mask;
    if (this.#requests[slot] !== NONE || this.#strays.size > 0) return this.#addSlowly(request, shard);
    this.#requests[slot] = request;
    this.#shards[slot] = shard;
    this.#count++;
    return Admission.TAKEN;
  }

  has(request: number): boolean {
    return this.#requests[request & this.#mask] === request || this.#strays.has(request);
  }

  /** Whether the request was unanswered; it no longer is. */
  clear(request: number): boolean {
    const slot = request & this.#mask;
    if (this.#requests[slot] === request && request !== NONE) {
      this.#requests[slot] = NONE;
      this.#count--;
      return true;
    }
    if (this.#strays.size === 0 || !this.#strays.delete(request)) return false;
    this.#count--;
    return true;
  }

  /** Clears all requests that wait on a shard and answers them. */
  takeShard(shard: number): number[] {
    const taken: number[] = [];
    for (let slot = 0; slot <= this.#mask; slot++) {
      const request = this.#requests[slot] ?? NONE;
      if (request !== NONE && this.#shards[slot] === shard) taken.push(request);
    }
    for (const [request, on] of this.#strays) if (on === shard) taken.push(request);
    for (const request of taken) this.clear(request);
    return taken;
  }

  /** All unanswered requests, in no order. */
  live(): number[] {
    return [...this.#requests.filter((request) => request !== NONE), ...this.#strays.keys()];
  }

  /** Gives back the memory of a burst. For connections that have been quiet for a while. */
  trim(): void {
    if (this.#count === 0 && this.#mask >= MIN_SLOTS) this.#resize(MIN_SLOTS);
  }

  #addSlowly(request: number, shard: number): number {
    if (this.has(request)) return Admission.DUPLICATE;
    while (
      this.#requests[request & this.#mask] !== NONE &&
      this.#mask + 1 < this.maxInFlight &&
      (this.#mask + 1 < BUSY_SLOTS || this.#count * FILL > this.#mask)
    ) {
      this.#resize((this.#mask + 1) * 2);
    }
    const slot = request & this.#mask;
    if (this.#requests[slot] === NONE) {
      this.#requests[slot] = request;
      this.#shards[slot] = shard;
    } else {
      this.#strays.set(request, shard);
    }
    this.#count++;
    return Admission.TAKEN;
  }

  /** Doubling keeps every request alone in its slot: those that share a slot of the new table shared one before. */
  #resize(slots: number): void {
    const requests = new Uint32Array(slots);
    const shards = new Uint16Array(slots);
    for (let slot = 0; slot <= this.#mask; slot++) {
      const request = this.#requests[slot] ?? NONE;
      if (request === NONE) continue;
      requests[request & (slots - 1)] = request;
      shards[request & (slots - 1)] = this.#shards[slot] ?? 0;
    }
    this.#requests = requests;
    this.#shards = shards;
    this.#mask = slots - 1;
  }
}
