/** Finds the queues of a topic that a pattern reaches: matches it against their bind keys, in steps. */
import type { Queue } from "../messages/queue.js";
import { compilePattern, costOf } from "./pattern.js";
import type { Topic } from "./topic.js";

export class RouteSearch {
  readonly #matches: (bindKey: string) => boolean;
  /** The worst price of a character of a bind key. */
  readonly #cost: number;
  /** A live iterator: queues that are added meanwhile are looked at as well. */
  readonly #queues: Iterator<Queue>;
  readonly #reached: Queue[] = [];

  /** Throws BAD_PATTERN. */
  constructor(
    readonly topic: Topic,
    readonly routeKey: string,
  ) {
    this.#matches = compilePattern(routeKey);
    this.#cost = costOf(routeKey);
    this.#queues = topic.queues.values();
  }

  /** Looks at queues for about the price of `max`, at least at one. True: it has looked at all of them. */
  advance(max: number): boolean {
    for (let cost = 0; cost < max; ) {
      const next = this.#queues.next();
      if (next.done) return true;
      const queue = next.value;
      if (this.#matches(queue.bindKey)) this.#reached.push(queue);
      cost += this.#cost * (queue.bindKey.length + 1);
    }
    return false;
  }

  /** The queues found, without those that were deleted meanwhile. */
  get queues(): readonly Queue[] {
    return this.#reached.filter((queue) => this.topic.queues.get(queue.bindKey) === queue);
  }
}
