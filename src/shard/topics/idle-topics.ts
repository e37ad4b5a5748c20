/**
 * Forgets topics that nobody needs: nothing is in them, nobody has made anything of them that should stay, and no command
 * has named them for a while. It walks all topics, round after round; each turn is a bounded amount of work.
 */
import { type Topic, UNKNOWN } from "./topic.js";

/** Rounds in the time after which a topic is forgotten: it stays an eighth longer at the most. */
const ROUNDS = 8;

/** Milliseconds from the beginning of a round to that of the next, at least: a walk costs the same however short the time. */
const MIN_ROUND = 100;

/** What a turn looks at and forgets: a fraction of a millisecond of work each. */
const TURN_LOOKS = 1024;
const TURN_FORGETS = 128;

/** The topics there are. A walk sees those that come meanwhile, and not those that go. */
export interface Topics {
  readonly size: number;
  readonly topics: Iterator<Topic>;
}

export class IdleTopics {
  readonly #every: number;
  #walk: Iterator<Topic> | undefined;
  /** When the next round begins. */
  #due = Number.NEGATIVE_INFINITY;

  constructor(
    readonly topics: Topics,
    /** Milliseconds without use after which a topic is forgotten. Infinity: never. */
    readonly idle: number,
    /** Somebody will ask for the topic of that name: a request that was put off. */
    readonly isAwaited: (name: string) => boolean,
    /** The journal has no room for what can wait. */
    readonly isShort: () => boolean,
    readonly forget: (topic: Topic) => void,
  ) {
    this.#every = Math.max(MIN_ROUND, idle / ROUNDS);
  }

  /** Answers when to call again. */
  turn(now: number): number {
    if (this.idle === Number.POSITIVE_INFINITY) return this.idle;
    if (this.#walk === undefined) {
      // Whoever makes one is followed by a turn.
      if (this.topics.size === 0) return Number.POSITIVE_INFINITY;
      if (now < this.#due) return this.#due;
      this.#due = now + this.#every;
      this.#walk = this.topics.topics;
    }
    let forgets = 0;
    for (let looks = 0; looks < TURN_LOOKS && forgets < TURN_FORGETS; looks++) {
      const { value: topic, done } = this.#walk.next();
      if (done) {
        this.#walk = undefined;
        return this.topics.size === 0 ? Number.POSITIVE_INFINITY : this.#due;
      }
      // Since when, nobody knows: the time begins when it is first seen.
      if (topic.usedAt === UNKNOWN || !topic.isForgettable || this.isAwaited(topic.name)) topic.usedAt = now;
      if (now - topic.usedAt < this.idle || (topic.isRecorded && this.isShort())) continue;
      this.forget(topic);
      forgets++;
    }
    return now;
  }
}
