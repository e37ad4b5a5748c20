/**
 * The messages of a subscription on their way from the connection to the program.
 */
import { callLater } from "../arguments/call-later.js";
import type { Resumption, SubscribeOptions } from "../arguments/options.js";
import { localError, type RingmqError } from "../base/error.js";
import { FeedState } from "../messages/feed-state.js";
import { ChannelBacklog } from "./channel-backlog.js";
import type { ChannelArrival, ChannelMessage } from "./channel-message.js";
import type { Begun } from "./follow-request.js";

export class SubscriptionFeed {
  readonly #options: SubscribeOptions;
  readonly #backlog: ChannelBacklog;
  readonly #state = new FeedState();
  /** Called with the bytes of each message that the program reads. */
  readonly #onRead: ((bytes: number) => void) | undefined;
  #lost = 0;
  /** Of the message that the broker sends next, as far as is known. */
  #next: { readonly epoch: string | undefined; readonly position: number } | undefined;

  /** With `onRead` somebody sees to it that there are never too many; otherwise the oldest are dropped. */
  constructor(
    readonly channel: string,
    options: SubscribeOptions,
    onRead?: (bytes: number) => void,
  ) {
    this.#options = options;
    this.#onRead = onRead;
    this.#backlog = new ChannelBacklog(onRead === undefined);
  }

  /** Resolves when nothing more will come. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#state.closed;
  }

  get lost(): number {
    return this.#lost;
  }

  get isOver(): boolean {
    return this.#state.isOver;
  }

  get size(): number {
    return this.#backlog.size;
  }

  /** Of the message that the program reads next, and of the one that comes next. */
  get place(): { readonly epoch: string | undefined; readonly position: number } | undefined {
    return this.#backlog.oldest ?? this.#next;
  }

  get next(): { readonly epoch: string | undefined; readonly position: number } | undefined {
    return this.#next;
  }

  /** Messages come from there on. */
  begin(epoch: string | undefined, position: number): void {
    this.#next = { epoch, position };
  }

  /** The `count` entries [start, end) have come. */
  push(arrival: ChannelArrival, start: number, end: number, count: number): void {
    if (this.#state.isOver) return;
    this.#next = { epoch: arrival.epoch, position: arrival.position + count };
    const dropped = this.#backlog.push(arrival, start, end, count);
    if (dropped > 0) this.#addLost(dropped);
    if (dropped > 0 && this.#options.overflow === "disconnect") {
      this.#backlog.clear();
      this.end(localError("SLOW_SUBSCRIBER", `the subscription to ${this.channel} fell too far behind`));
    }
    this.#state.wakeUp();
  }

  /** The broker has dropped messages. */
  lose(count: number): void {
    if (this.#state.isOver || count === 0) return;
    this.#backlog.lose(count);
    this.#addLost(count);
  }

  get overflow(): SubscribeOptions["overflow"] {
    return this.#options.overflow;
  }

  /** It goes on after an interruption, `next` being where it wanted to; -1 when nothing had come yet. */
  goOn({ epoch, position, lost, ...begun }: Begun, next: number): void {
    const recovered = begun.recovered ?? position === next;
    const missing = recovered ? 0 : (lost ?? (next >= 0 && position > next ? position - next : undefined));
    this.begin(epoch, position);
    this.lose(missing ?? 0);
    this.resumed({ epoch, position, recovered, lost: missing });
  }

  /** It goes on after an interruption. */
  resumed(resumption: Resumption): void {
    const { onResumed } = this.#options;
    if (onResumed !== undefined) callLater("onResumed of a subscription", () => onResumed(resumption));
  }

  /** Nothing more will come. */
  end(error: RingmqError | undefined): void {
    this.#state.end(error);
  }

  /** Drops what is not read: whoever goes on later begins with that. */
  clear(): void {
    this.#next = this.place;
    this.#backlog.clear();
  }

  /** The next message if it has come. */
  take(): ChannelMessage | undefined {
    const taken = this.#backlog.shift();
    if (taken === undefined) return undefined;
    this.#onRead?.(taken.bytes);
    return taken.message;
  }

  /** To be called when there is no message: resolves and rejects as `FeedState.wait`. */
  wait(): Promise<boolean> {
    return this.#state.wait();
  }

  /** The next message, or undefined at the end. Rejects once with the reason of the end. */
  async read(): Promise<ChannelMessage | undefined> {
    for (;;) {
      const message = this.take();
      if (message !== undefined) return message;
      if (!(await this.#state.wait())) return undefined;
    }
  }

  #addLost(lost: number): void {
    this.#lost += lost;
    const { onLost } = this.#options;
    if (onLost !== undefined) callLater("onLost of a subscription", () => onLost(lost));
  }
}
