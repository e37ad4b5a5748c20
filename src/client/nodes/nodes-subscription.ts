/**
 * A subscription to a channel on several nodes.
 */
import type { Resumption, SubscribeOptions } from "../arguments/options.js";
import { backoff, FIRST_WAIT, MAX_WAIT } from "../base/backoff.js";
import { type Deferred, deferred, unobserved } from "../base/deferred.js";
import { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { within } from "../base/timer.js";
import type { ChannelMessage } from "../channels/channel-message.js";
import type { Subscription } from "../channels/subscription.js";
import type { Client } from "../client.js";
import { ReadLoop } from "../messages/read-loop.js";
import { isForAnotherNode } from "./node-errors.js";

/** How long a loop may stay at one message before a drain takes it for one that awaits the drain. Milliseconds. */
const MAX_STAY = 1000;

/** The channel on one node. */
interface Place {
  readonly url: string;
  /** The client that it is subscribed with, or tries to. */
  client: Client | undefined;
  /** The subscriptions there have been, as far as they are not read to their end; the last one may get more. */
  readonly subscriptions: Subscription[];
  /** Where the next one goes on. */
  next: { readonly position: number; readonly epoch: string } | undefined;
  /** Why the node refuses, for a reason that another attempt would not change. */
  refusal: RingmqError | undefined;
}

/**
 * The messages of a channel on all nodes that it is on, as they come; of each node in its order. Iterate it once: `for await
 * (const message of subscription)`. Leaving the loop ends it.
 *
 * When a node is lost it goes on there as soon as the node is back, from where it was: `onResumed` and `NodesClient.status`
 * tell whether anything is missing.
 */
export class NodesSubscription implements AsyncIterableIterator<ChannelMessage> {
  readonly channel: string;
  readonly #options: SubscribeOptions;
  readonly #onResumed: (url: string, resumption: Resumption) => void;
  readonly #places = new Map<string, Place>();
  /** The same: looked through for each message. */
  readonly #inOrder: Place[] = [];
  readonly #loop = new ReadLoop<ChannelMessage>();
  readonly #closed = deferred<RingmqError | undefined>();
  readonly #started = deferred<void>();
  readonly #stopped = deferred<void>();
  /** Those whose next messages are waited for. */
  readonly #awaited = new Set<Subscription>();
  /** Where to look for the next message first. */
  #turn = 0;
  #wake: Deferred<void> | undefined;
  #isOver = false;
  #error: RingmqError | undefined;
  #lostBefore = 0;

  /** @internal */
  constructor(channel: string, options: SubscribeOptions, onResumed: (url: string, resumption: Resumption) => void) {
    this.channel = channel;
    this.#options = options;
    this.#onResumed = onResumed;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Resolves when a node is subscribed to.
   *
   * @internal
   */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Resolves when the program has read all there is, or has left. */
  get finished(): Promise<void> {
    return this.#loop.finished;
  }

  /**
   * No more messages will come.
   *
   * @internal
   */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Messages that have come and are not yet read. */
  get buffered(): number {
    return this.#all.reduce((sum, { buffered }) => sum + buffered, 0);
  }

  /** Messages that are known to be lost so far, in the brokers and here. */
  get lost(): number {
    return this.#all.reduce((sum, { lost }) => sum + lost, this.#lostBefore);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message of any node. Rejects once when every node refuses; `done` after that. */
  async next(): Promise<IteratorResult<ChannelMessage, undefined>> {
    this.#loop.isStarted = true;
    this.#loop.current = undefined;
    do {
      const value = this.#take();
      if (value === undefined) continue;
      this.#loop.current = value;
      return { done: false, value };
    } while (await this.#available());
    return { done: true, value: undefined };
  }

  /** Ends it; what was not read is dropped. `for await` calls it when the loop is left. */
  async return(): Promise<IteratorResult<ChannelMessage, undefined>> {
    await Promise.all([this.stop(), ...this.#all.map((subscription) => subscription.return())]);
    this.#loop.finish();
    return { done: true, value: undefined };
  }

  /** Ends the subscription. What has come can still be read; then the iteration ends. */
  async stop(): Promise<void> {
    this.ended();
    await Promise.all(this.#all.map((subscription) => subscription.stop()));
  }

  /** Ends it and waits until the program has read what came; when nobody reads, that is dropped. As `Subscription.drain`. */
  async drain(): Promise<void> {
    if (this.#loop.isStarted) await this.stop();
    else await this.return();
    await this.#loop.waitForEnd(() => MAX_STAY);
  }

  /**
   * Subscribes with a client of a node, until its connection ends. Resolves when the node has answered for the first time.
   *
   * @internal
   */
  join(url: string, client: Client): Promise<void> {
    const place = this.#place(url);
    if (this.#isOver || place.client === client) return Promise.resolve();
    place.client = client;
    place.refusal = undefined;
    const answered = deferred<void>();
    unobserved(client.closed.then(() => this.#gone(place, client)).then(answered.resolve));
    unobserved(this.#follow(place, client, answered));
    return answered.promise;
  }

  /**
   * The channel is not on this node any more.
   *
   * @internal
   */
  leave(url: string): void {
    const place = this.#places.get(url);
    if (place?.client === undefined) return;
    place.client = undefined;
    for (const subscription of place.subscriptions) unobserved(subscription.stop());
  }

  /**
   * Its client was closed.
   *
   * @internal
   */
  ended(): void {
    this.#end(undefined);
  }

  toJSON(): object {
    const { channel, buffered, lost } = this;
    return { channel, nodes: [...this.#places.keys()], buffered, lost };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("NodesSubscription", this.toJSON(), options, inspect);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  get #all(): Subscription[] {
    return [...this.#places.values()].flatMap(({ subscriptions }) => subscriptions);
  }

  #place(url: string): Place {
    let place = this.#places.get(url);
    if (place === undefined) {
      place = { url, client: undefined, subscriptions: [], next: undefined, refusal: undefined };
      this.#places.set(url, place);
      this.#inOrder.push(place);
    }
    return place;
  }

  async #follow(place: Place, client: Client, answered: Deferred<void>): Promise<void> {
    for (let attempt = 0; !this.#isOver && place.client === client; attempt++) {
      try {
        const subscription = await this.#subscribe(place, client);
        attempt = 0;
        answered.resolve();
        const reason = await subscription.closed;
        const { position, epoch } = subscription.received ?? {};
        if (position !== undefined && epoch !== undefined) place.next = { position, epoch };
        // The program has stopped it, or its node is about to stop.
        if (reason === undefined || reason.code === "SHUTTING_DOWN") break;
      } catch (error) {
        this.#refused(place, client, error);
      }
      answered.resolve();
      await within(backoff(attempt, FIRST_WAIT, MAX_WAIT), this.#stopped.promise);
    }
    answered.resolve();
  }

  async #subscribe(place: Place, client: Client): Promise<Subscription> {
    const { next, url } = place;
    const subscription = await client.subscribe(this.channel, {
      ...this.#options,
      from: next ?? this.#options.from ?? "now",
      onResumed: (resumption) => this.#onResumed(url, resumption),
    });
    // A drain of its client leaves what has come to this loop.
    subscription.adopt();
    place.refusal = undefined;
    if (this.#isOver || place.client !== client) unobserved(subscription.stop());
    place.subscriptions.push(subscription);
    const { epoch, position, recovered, lost } = subscription;
    if (next !== undefined && epoch !== undefined && position !== undefined) {
      // An epoch that has ended tells nothing of how much is missing.
      const known = recovered === true || lost > 0 || epoch === next.epoch;
      this.#onResumed(url, { epoch, position, recovered: recovered === true, lost: known ? lost : undefined });
    }
    this.#started.resolve();
    this.#wakeUp();
    return subscription;
  }

  /** It ends when all nodes refuse for a reason that another attempt would not change: a wrong name, an argument. */
  #refused(place: Place, client: Client, error: unknown): void {
    if (!(error instanceof RingmqError) || isForAnotherNode(error) || place.client !== client) return;
    place.refusal = error;
    for (const other of this.#places.values()) if (other.client !== undefined && other.refusal === undefined) return;
    this.#end(error);
  }

  #gone(place: Place, client: Client): void {
    if (place.client === client) place.client = undefined;
  }

  /** The next message of the first node that has one, beginning behind the one that had one last. */
  #take(): ChannelMessage | undefined {
    const places = this.#inOrder;
    for (let i = 0; i < places.length; i++) {
      const at = (this.#turn + i) % places.length;
      const place = places[at];
      if (place === undefined) continue;
      this.#forgetRead(place);
      const message = place.subscriptions[0]?.take();
      if (message === undefined) continue;
      this.#turn = at + 1;
      return message;
    }
    return undefined;
  }

  /** A node's messages are read in order: those of a subscription that has ended before those of the next one. */
  #forgetRead({ subscriptions }: Place): void {
    for (;;) {
      const [first] = subscriptions;
      if (first === undefined || first.buffered > 0 || !first.isOver) return;
      this.#lostBefore += first.lost;
      subscriptions.shift();
      first.finish();
    }
  }

  /**
   * To be called when no node has a message. Resolves with true when one may have some, with false at the end. Rejects once
   * with the reason of the end.
   */
  async #available(): Promise<boolean> {
    const firsts = [...this.#places.values()].flatMap(({ subscriptions: [first] }) =>
      first === undefined ? [] : [first],
    );
    if (this.#isOver && firsts.length === 0) {
      this.#loop.finish();
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) throw error;
      return false;
    }
    this.#wake ??= deferred();
    for (const subscription of firsts) if (!this.#awaited.has(subscription)) this.#await(subscription);
    await this.#wake.promise;
    return true;
  }

  /** Wakes the loop up when a subscription has messages, or has ended. */
  #await(subscription: Subscription): void {
    this.#awaited.add(subscription);
    const woken = (): void => {
      this.#awaited.delete(subscription);
      this.#wakeUp();
    };
    // The reason of its end is dealt with where it is followed.
    subscription.available().then(woken, woken);
  }

  #wakeUp(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  #end(error: RingmqError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#closed.resolve(error);
    this.#stopped.resolve();
    this.#wakeUp();
  }
}
