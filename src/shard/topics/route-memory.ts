/** What the topics of a shard remember of patterns that were matched, bounded for all of them together. */
import type { Queue } from "../messages/queue.js";

/** Words of eight bytes: 8 MiB. */
const MAX_WORDS = 1_048_576;

/** What an entry of a map takes beside its key and its queues, in words. */
const ENTRY_WORDS = 16;
const CHARACTERS = 4;

/** Words that one route takes. */
export const wordsOf = (routeKey: string, queues: readonly Queue[]): number =>
  ENTRY_WORDS + routeKey.length / CHARACTERS + queues.length;

/** Whoever remembers routes. */
export interface Rememberer {
  forgetRoutes(): void;
}

export class RouteMemory {
  /** Who remembers something, for longest first. */
  readonly #holders = new Set<Rememberer>();
  #words = 0;

  constructor(readonly maxWords = MAX_WORDS) {}

  get words(): number {
    return this.#words;
  }

  /** Takes so many words; who has remembered routes for longest forgets its own if there is no room. */
  take(holder: Rememberer, words: number): void {
    for (const oldest of this.#holders) {
      if (this.#words + words <= this.maxWords) break;
      oldest.forgetRoutes();
    }
    this.#words += words;
    this.#holders.add(holder);
  }

  /** A holder has forgotten all of its routes. */
  giveBack(holder: Rememberer, words: number): void {
    this.#words -= words;
    this.#holders.delete(holder);
  }
}
