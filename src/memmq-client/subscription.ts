/**
 * The messages of a topic, of all servers that have it.
 */
import { type Deferred, deferred, unobserved } from "../client/base/deferred.js";
import { localError, type RingmqError } from "../client/base/error.js";
import { FeedState } from "../client/messages/feed-state.js";
import type { FeedRequest, Link } from "./link.js";
import type { Message } from "./message.js";
import { MessageBuffer } from "./message-buffer.js";
import type { ServerStatus } from "./options.js";
import { ServerSubscription } from "./server-subscription.js";

/** What a subscription has of its client. */
export interface SubscriptionHost {
  readonly link: (server: string) => Link;
  readonly status: (status: ServerStatus) => void;
  /** Tries of a server before `ready` no longer waits for it. */
  readonly tries: number;
  readonly left: (subscription: Subscription) => void;
}

interface Source {
  readonly subscription: ServerSubscription;
  /** Of the first connection. */
  state: "trying" | "subscribed" | "failed";
  failures: number;
}

/**
 * The messages of a topic, as they come: `for await (const message of subscription)`. Leaving the loop ends it.
 *
 * Messages of one server come in its order; those of several are not in any order with each other. A program that reads
 * slowly slows its servers' connections down, and what they do then is what `overflow` says.
 */
export class Subscription implements AsyncIterableIterator<Message> {
  readonly topic: string;
  readonly #request: FeedRequest;
  readonly #host: SubscriptionHost;
  readonly #sources = new Map<string, Source>();
  readonly #state = new FeedState();
  readonly #buffer = new MessageBuffer((isPaused) => this.#pause(isPaused));
  readonly #ready: Deferred<void> = deferred();
  #lost = 0;

  /** @internal */
  constructor(request: FeedRequest, host: SubscriptionHost) {
    this.topic = request.topic;
    this.#request = request;
    this.#host = host;
    unobserved(this.#ready.promise);
  }

  /**
   * Resolves when one server at least has begun to send, and each other has too or has failed 1 + `retries` times: what is
   * published from then on comes. Rejects when all have failed; they are tried again all the same. Nobody has to await it.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#state.closed;
  }

  /** Messages that are known to be lost so far, on all servers. */
  get lost(): number {
    return this.#lost;
  }

  /** Messages that have come and are not yet read. */
  get buffered(): number {
    return this.#buffer.size;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message. Rejects once when the subscription ended for a reason; `done` after that. */
  async next(): Promise<IteratorResult<Message, undefined>> {
    for (;;) {
      const value = this.#buffer.shift();
      if (value !== undefined) return { done: false, value };
      if (!(await this.#state.wait())) return { done: true, value: undefined };
    }
  }

  /** Ends it; what was not read is dropped. `for await` calls it when the loop is left. */
  return(): Promise<IteratorResult<Message, undefined>> {
    this.stop();
    this.#buffer.clear();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends it. What has come can still be read; then the iteration ends. */
  stop(): void {
    this.#end(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /**
   * The servers that have the topic now: others are let go, new ones are subscribed on.
   *
   * @internal
   */
  follow(servers: readonly string[]): void {
    if (this.#state.isOver) return;
    for (const [server, { subscription }] of [...this.#sources]) {
      if (servers.includes(server)) continue;
      subscription.close();
      this.#sources.delete(server);
    }
    for (const server of servers) if (!this.#sources.has(server)) this.#add(server);
    this.#checkReady();
  }

  /**
   * Names cannot be looked up.
   *
   * @internal
   */
  unlisted(error: RingmqError): void {
    if (this.#sources.size === 0) this.#ready.reject(error);
  }

  #add(server: string): void {
    const subscription = new ServerSubscription(this.#host.link(server), this.#request, {
      subscribed: () => {
        source.state = "subscribed";
        this.#host.status({ type: "subscribed", server, topic: this.topic });
        this.#checkReady();
      },
      failed: (error) => this.#failed(server, source, error),
      message: ({ payload, position, id }, { lost, isUnknown }) => {
        this.#buffer.push({ topic: this.topic, payload, server, position, id, lost, mayHaveLost: isUnknown });
        this.#state.wakeUp();
      },
      lost: (count) => {
        this.#lost += count;
      },
      refused: (error) => this.#end(error),
    });
    const source: Source = { subscription, state: "trying", failures: 0 };
    this.#sources.set(server, source);
    if (this.#buffer.isFull) subscription.pause();
    subscription.start();
  }

  #failed(server: string, source: Source, error: RingmqError): void {
    source.failures++;
    if (source.state === "trying" && source.failures >= this.#host.tries) source.state = "failed";
    this.#host.status({ type: "lost", server, topic: this.topic, error });
    this.#checkReady(error);
  }

  #checkReady(error?: RingmqError): void {
    const sources = [...this.#sources.values()];
    if (sources.length === 0 || sources.some(({ state }) => state === "trying")) return;
    if (sources.some(({ state }) => state === "subscribed")) this.#ready.resolve();
    else if (error !== undefined) this.#ready.reject(error);
  }

  #pause(isPaused: boolean): void {
    for (const { subscription } of this.#sources.values()) {
      if (isPaused) subscription.pause();
      else subscription.resume();
    }
  }

  #end(error: RingmqError | undefined): void {
    if (this.#state.isOver) return;
    for (const { subscription } of this.#sources.values()) subscription.close();
    this.#sources.clear();
    this.#ready.reject(error ?? localError("CLIENT_CLOSED", `the subscription to ${this.topic} was ended`));
    this.#state.end(error);
    this.#host.left(this);
  }
}
