/** Which queues of a topic a pattern reaches: it is matched against their bind keys, a bounded number at a time. */

import type { Queue } from "../messages/queue.js";
import { compilePattern, costOf } from "./pattern.js";
import type { Topic } from "./topic.js";

export class RouteSearch {
  readonly #matches: (bindKey: string) => boolean;
  /** Of a character of a bind key, at the worst. */
  readonly #cost: number;
  /** Those that come while it goes on are looked at as well. */
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

  /** Looks at queues until that has cost about `max`, at least at one. True: it has looked at all. */
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

  /** What it has found and what is still there. */
  get queues(): readonly Queue[] {
    return this.#reached.filter((queue) => this.topic.queues.get(queue.bindKey) === queue);
  }
}
