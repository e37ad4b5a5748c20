/**
 * The subscriptions of a proxy on its servers: one for each topic, however many subscribers the proxy has; it ends a while
 * after the last of them has gone. Whoever wants the past has one alone, because it begins elsewhere.
 */

import type { MemmqClient } from "../memmq-client/client.js";
import type { Subscription } from "../memmq-client/subscription.js";
import { asEntry } from "./entry.js";

/** Milliseconds that a subscription without subscribers goes on, for those who come back. */
const LINGER = 10_000;

export interface Subscriber {
  /** It has begun. */
  begun(): void;
  message(entry: Uint8Array): void;
  /** Messages that do not come, before the next one. */
  lost(count: number): void;
  /** Nothing more comes. */
  ended(error: Error): void;
}

/** A server has been lost and cannot tell what was published meanwhile. */
export type OnUnknownLoss = (topic: string, server: string) => void;

/** Where a subscriber begins. */
export type RelayStart = "now" | "start" | Date;

export class Relays {
  readonly #client: MemmqClient;
  readonly #unknownLoss: OnUnknownLoss;
  readonly #linger: number;
  readonly #byTopic = new Map<string, Relay>();
  readonly #alone = new Set<Relay>();

  constructor(client: MemmqClient, unknownLoss: OnUnknownLoss, linger = LINGER) {
    this.#client = client;
    this.#unknownLoss = unknownLoss;
    this.#linger = linger;
  }

  /** Subscriptions on servers, for tests. */
  get size(): number {
    return this.#byTopic.size + this.#alone.size;
  }

  /** Returns what ends it. */
  join(topic: string, from: RelayStart, subscriber: Subscriber): () => void {
    let relay = from === "now" ? this.#byTopic.get(topic) : undefined;
    if (relay === undefined) {
      const subscription = this.#client.subscribe(topic, { from });
      if (from === "now") {
        const made: Relay = new Relay(subscription, this.#unknownLoss, this.#linger, () => {
          if (this.#byTopic.get(topic) === made) this.#byTopic.delete(topic);
        });
        relay = made;
        this.#byTopic.set(topic, relay);
      } else {
        const made: Relay = new Relay(subscription, this.#unknownLoss, 0, () => this.#alone.delete(made));
        relay = made;
        this.#alone.add(relay);
      }
    }
    return relay.join(subscriber);
  }
}

class Relay {
  readonly #subscription: Subscription;
  readonly #unknownLoss: OnUnknownLoss;
  readonly #linger: number;
  readonly #over: () => void;
  readonly #subscribers = new Set<Subscriber>();
  #timer: NodeJS.Timeout | undefined;
  #hasBegun = false;

  constructor(subscription: Subscription, unknownLoss: OnUnknownLoss, linger: number, over: () => void) {
    this.#subscription = subscription;
    this.#unknownLoss = unknownLoss;
    this.#linger = linger;
    this.#over = over;
    // Servers that are down are tried for ever: subscribers of the proxy wait with it.
    const begun = (): void => {
      this.#hasBegun = true;
      for (const subscriber of [...this.#subscribers]) subscriber.begun();
    };
    subscription.ready.then(begun, begun);
    void this.#run();
  }

  join(subscriber: Subscriber): () => void {
    clearTimeout(this.#timer);
    this.#subscribers.add(subscriber);
    if (this.#hasBegun) queueMicrotask(() => this.#subscribers.has(subscriber) && subscriber.begun());
    return () => {
      if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0) return;
      this.#timer = setTimeout(() => {
        // First: who joins now must not join one that ends.
        this.#over();
        this.#subscription.stop();
      }, this.#linger);
    };
  }

  async #run(): Promise<void> {
    let why: Error = new Error("the proxy has ended its subscription");
    try {
      for await (const { topic, server, payload, lost, mayHaveLost } of this.#subscription) {
        if (mayHaveLost) this.#unknownLoss(topic, server);
        const entry = asEntry(payload);
        for (const subscriber of this.#subscribers) {
          if (lost > 0) subscriber.lost(lost);
          subscriber.message(entry);
        }
      }
    } catch (error) {
      if (error instanceof Error) why = error;
    }
    clearTimeout(this.#timer);
    this.#over();
    for (const subscriber of [...this.#subscribers]) subscriber.ended(why);
    this.#subscribers.clear();
  }
}
