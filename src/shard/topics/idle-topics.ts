/**
 * Forgets topics that nobody needs: they are empty, have no settings worth keeping, and no command has named them for a
 * while. It walks all topics, round after round, a bounded amount of work each turn.
 */
import { type Topic, UNKNOWN } from "./topic.js";

/** Rounds within the idle time: a topic stays at most an eighth longer than that. */
const ROUNDS = 8;

/** The shortest time between the beginnings of two rounds, in milliseconds. */
const MIN_ROUND = 100;

/** Topics that a turn looks at, and forgets: each a fraction of a millisecond of work. */
const TURN_LOOKS = 1024;
const TURN_FORGETS = 128;

/** Producers that are looked at for the price of a topic. */
const PRODUCERS_PER_LOOK = 16;

/** Keys that are looked at for the price of a topic. */
const KEYS_PER_LOOK = 16;

/** All topics. Walks see topics that are added meanwhile, and do not see those that are removed. */
export interface TopicTable {
  readonly size: number;
  readonly topics: Iterator<Topic>;
}

export class IdleTopics {
  readonly #every: number;
  #walk: Iterator<Topic> | undefined;
  /** A topic whose keys are being looked at. */
  #unswept: Topic | undefined;
  /** When the next round begins. */
  #due = Number.NEGATIVE_INFINITY;

  constructor(
    readonly topics: TopicTable,
    /** Milliseconds without use after which a topic is forgotten. Infinity: never. */
    readonly idle: number,
    /** A deferred command names that topic. */
    readonly isAwaited: (name: string) => boolean,
    /** The journal has no room for records that can wait. */
    readonly isShort: () => boolean,
    readonly forget: (topic: Topic) => void,
  ) {
    this.#every = Math.max(MIN_ROUND, idle / ROUNDS);
  }

  /** Answers when to call again. */
  turn(now: number): number {
    if (this.idle === Number.POSITIVE_INFINITY) return this.idle;
    if (this.#walk === undefined) {
      // The command that makes the first one is followed by a turn.
      if (this.topics.size === 0) return Number.POSITIVE_INFINITY;
      if (now < this.#due) return this.#due;
      this.#due = now + this.#every;
      this.#walk = this.topics.topics;
    }
    if (this.#unswept?.keys?.sweep(TURN_LOOKS * KEYS_PER_LOOK) === false) return now;
    this.#unswept = undefined;
    let forgets = 0;
    for (let looks = 0; looks < TURN_LOOKS && forgets < TURN_FORGETS; looks++) {
      const { value: topic, done } = this.#walk.next();
      if (done) {
        this.#walk = undefined;
        return this.topics.size === 0 ? Number.POSITIVE_INFINITY : this.#due;
      }
      topic.producers?.expire(now, topic.config.dedupWindow);
      looks += Math.floor((topic.producers?.size ?? 0) / PRODUCERS_PER_LOOK);
      // Many keys take several turns; the topic itself is looked at in the next round.
      if (topic.keys?.sweep((TURN_LOOKS - looks) * KEYS_PER_LOOK) === false) {
        this.#unswept = topic;
        return now;
      }
      looks += Math.floor((topic.keys?.size ?? 0) / KEYS_PER_LOOK);
      // Nobody knows when a topic that was read back was used last: its time begins now.
      if (topic.usedAt === UNKNOWN || !topic.isForgettable || this.isAwaited(topic.name)) topic.usedAt = now;
      if (now - topic.usedAt < this.idle || (topic.isRecorded && this.isShort())) continue;
      this.forget(topic);
      forgets++;
    }
    return now;
  }
}
