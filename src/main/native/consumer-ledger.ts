/**
 * What a connection has going on its shards beyond single requests: consumers and subscriptions. Kept to be able to say
 * so when a shard dies, and to know which numbers of requests are taken. All of this is rare beside publishes, acks and
 * deliveries.
 */

import { SmallMap } from "../../collections/small-map.js";

/** What becomes of the ledger when a request is confirmed. */
type Change =
  | { readonly kind: "consume"; readonly shard: number }
  | { readonly kind: "subscribe"; readonly shard: number; readonly channel: string }
  | { readonly kind: "stop"; readonly consumer: number }
  | { readonly kind: "unsubscribe"; readonly channel: string };

export class ConsumerLedger {
  /** By request. */
  readonly #pending = new SmallMap<number, Change>();
  /** Consumer's request → shard. */
  readonly #consumers = new SmallMap<number, number>();
  /** The highest number of a consumer. New requests nearly always have a higher one, which saves the look-up. */
  #highest = 0;
  /** Channel → the request that subscribed last, and its shard. */
  readonly #subscriptions = new SmallMap<string, { readonly request: number; readonly shard: number }>();

  /** The answer to some request will change the ledger. */
  get isWaiting(): boolean {
    return this.#pending.size > 0;
  }

  /** Consumers and responders. */
  get consumers(): number {
    return this.#consumers.size;
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  expect(request: number, change: Change): void {
    this.#pending.set(request, change);
  }

  confirmed(request: number): void {
    const change = this.#pending.get(request);
    if (change === undefined) return;
    this.#pending.delete(request);
    if (change.kind === "consume") this.#begin(request, change.shard);
    else if (change.kind === "subscribe") this.#subscriptions.set(change.channel, { request, shard: change.shard });
    else if (change.kind === "stop") this.consumerClosed(change.consumer);
    else this.#subscriptions.delete(change.channel);
  }

  refused(request: number): void {
    this.#pending.delete(request);
  }

  /** The shard has ended the consumer. */
  consumerClosed(request: number): void {
    this.#consumers.delete(request);
    if (this.#consumers.size === 0) this.#highest = 0;
  }

  /** Whether a consumer that lives has this number. Asked of each request. */
  isConsumer(request: number): boolean {
    return request <= this.#highest && this.#consumers.has(request);
  }

  /** Whether the request is a CONSUME that has not been confirmed or refused. */
  isBeginning(request: number): boolean {
    return this.#pending.size > 0 && this.#pending.get(request)?.kind === "consume";
  }

  #begin(request: number, shard: number): void {
    this.#consumers.set(request, shard);
    this.#highest = Math.max(this.#highest, request);
  }

  /** Removes the consumers and subscriptions of a shard, and returns the requests that began them. */
  takeShard(shard: number): number[] {
    const requests: number[] = [];
    for (const [request, on] of this.#consumers) {
      if (on !== shard) continue;
      requests.push(request);
      this.consumerClosed(request);
    }
    for (const [channel, { request, shard: on }] of this.#subscriptions) {
      if (on !== shard) continue;
      requests.push(request);
      this.#subscriptions.delete(channel);
    }
    return requests;
  }
}
