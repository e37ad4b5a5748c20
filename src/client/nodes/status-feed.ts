/**
 * What happens to nodes, for programs that watch.
 */
import type { AsyncFeed } from "../base/async-feed.js";
import { type Deferred, deferred } from "../base/deferred.js";
import type { NodesEvent } from "./options.js";

/** Events kept for a program that does not read them. Older ones are dropped: `NodesClient.nodes` tells how things are. */
const MAX_UNREAD = 256;

export class StatusFeed implements AsyncFeed<NodesEvent> {
  #events: NodesEvent[] = [];
  #wake: Deferred<void> | undefined;
  #isOver = false;
  /** Called when the program has left. */
  readonly #left: (feed: StatusFeed) => void;

  constructor(left: (feed: StatusFeed) => void) {
    this.#left = left;
  }

  push(event: NodesEvent): void {
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

  async next(): Promise<IteratorResult<NodesEvent, undefined>> {
    for (;;) {
      const value = this.#events.shift();
      if (value !== undefined) return { done: false, value };
      if (this.#isOver) return { done: true, value: undefined };
      this.#wake ??= deferred();
      await this.#wake.promise;
    }
  }

  return(): Promise<IteratorResult<NodesEvent, undefined>> {
    this.#events = [];
    this.end();
    this.#left(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  #wakeUp(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }
}
