/** Remembers which queues a pattern reaches: a cache for each topic, and the budget that all of them share. */
import type { Queue } from "../messages/queue.js";

/** Patterns in one cache: enough for publishers that repeat theirs, a bound for those that do not. */
const MAX_ROUTES = 256;

/** The budget, in words of eight bytes: 8 MiB. */
const MAX_WORDS = 1_048_576;

/** What an entry of a map takes beside its key and its queues, in words. */
const ENTRY_WORDS = 16;
const CHARACTERS_PER_WORD = 4;

/** Words that one route takes. */
const wordsOf = (routeKey: string, queues: readonly Queue[]): number =>
  ENTRY_WORDS + routeKey.length / CHARACTERS_PER_WORD + queues.length;

/** What the budget can take memory back from. */
interface Cache {
  clear(): void;
}

export class RouteCacheBudget {
  /** Caches that are not empty, in the order in which they began to be filled. */
  readonly #caches = new Set<Cache>();
  #words = 0;

  constructor(readonly maxWords = MAX_WORDS) {}

  /** Words in use. */
  get words(): number {
    return this.#words;
  }

  /** Takes so many words for a cache; if there is no room, the oldest caches are cleared first. */
  take(cache: Cache, words: number): void {
    for (const oldest of this.#caches) {
      if (this.#words + words <= this.maxWords) break;
      oldest.clear();
    }
    this.#words += words;
    this.#caches.add(cache);
  }

  /** A cache has been cleared. */
  giveBack(cache: Cache, words: number): void {
    this.#words -= words;
    this.#caches.delete(cache);
  }
}

/** The queues of one topic by the patterns that reach them. */
export class RouteCache {
  readonly #routes = new Map<string, readonly Queue[]>();
  #words = 0;

  constructor(readonly budget: RouteCacheBudget) {}

  find(routeKey: string): readonly Queue[] | undefined {
    return this.#routes.get(routeKey);
  }

  add(routeKey: string, queues: readonly Queue[]): void {
    if (this.#routes.size >= MAX_ROUTES) this.clear();
    const words = wordsOf(routeKey, queues);
    this.budget.take(this, words);
    this.#words += words;
    this.#routes.set(routeKey, queues);
  }

  clear(): void {
    if (this.#routes.size === 0) return;
    this.#routes.clear();
    this.budget.giveBack(this, this.#words);
    this.#words = 0;
  }
}
