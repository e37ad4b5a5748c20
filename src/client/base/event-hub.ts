/**
 * Events, for any number of programs that watch.
 */
import type { AsyncFeed } from "./async-feed.js";
import { type Deferred, deferred } from "./deferred.js";

/** Events kept for a program that does not read them. Older ones are dropped. */
const MAX_UNREAD = 256;

class EventFeed<T> implements AsyncFeed<T> {
  #events: T[] = [];
  #wake: Deferred<void> | undefined;
  #isOver = false;
  /** Called when the program has left. */
  readonly #left: (feed: EventFeed<T>) => void;

  constructor(left: (feed: EventFeed<T>) => void) {
    this.#left = left;
  }

  push(event: T): void {
    if (this.#isOver) return;
    if (this.#events.length === MAX_UNREAD) this.#events.shift();
    this.#events.push(event);
    this.#wakeUp();
  }

  /** Nothing more happens. What is unread can still be read. */
  end(): void {
    this.#isOver = true;
    this.#wakeUp();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#events.length === 0 && !this.#isOver) {
      this.#wake ??= deferred();
      await this.#wake.promise;
    }
    const value = this.#events.shift();
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#events = [];
    this.end();
    this.#left(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #wakeUp(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }
}

export class EventHub<T> {
  readonly #feeds = new Set<EventFeed<T>>();
  #isOver = false;
  /** What happened last; undefined: nothing yet. */
  last: T | undefined;

  /** What happens from now on, `first` before it. */
  watch(first?: T): AsyncFeed<T> {
    const feed = new EventFeed<T>((left) => this.#feeds.delete(left));
    if (first !== undefined) feed.push(first);
    if (this.#isOver) feed.end();
    else this.#feeds.add(feed);
    return feed;
  }

  push(event: T): void {
    this.last = event;
    for (const feed of this.#feeds) feed.push(event);
  }

  /** Nothing more happens; but this, if it is told. */
  end(last?: T): void {
    if (this.#isOver) return;
    if (last !== undefined) this.push(last);
    this.#isOver = true;
    for (const feed of this.#feeds) feed.end();
    this.#feeds.clear();
  }
}
