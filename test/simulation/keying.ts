/**
 * Clients that give their messages keys: which message has which, as they were told. They hold against the broker that a key
 * whose message is there for certain, or whose window is not over, is not given to another message.
 */
import assert from "node:assert/strict";
import type { Holds, Pledge } from "./shadow.js";
import type { ClientStep } from "./steps.js";

/** The keys of a batch, in the order of its messages; an empty one: that message has none. */
export interface Keyed {
  readonly topic: string;
  readonly keys: readonly string[];
  /** Milliseconds for which they are known; 0: until their messages are done. */
  readonly window: number;
}

interface Known {
  readonly id: number;
  /** 0: until the message is done. */
  readonly until: number;
  pledge: Pledge | undefined;
  /** Everything has ended since, and it may have ended with it; or its topic was to be deleted. */
  isUncertain: boolean;
}

/** Ids are of times that may be a little ahead of the clock, which is set back now and then. */
const SLACK = 2_000;

export class Keying {
  /** By topic and key: the last message that has, or had, the key. */
  readonly #known = new Map<string, Known>();
  /** All ids that were ever taken with it. */
  readonly #ids = new Map<string, Set<number>>();

  constructor(
    /** Whether a message is in a queue for certain. */
    readonly isThere: (id: number) => boolean,
  ) {}

  /** The broker has taken messages of a batch; nobody has been told yet. */
  took({ topic, keys, window }: Keyed, index: number, count: number, firstId: number, now: number): void {
    for (let i = 0; i < count; i++) {
      const key = keys[index + i] ?? "";
      if (key === "") continue;
      const name = `${topic} ${key}`;
      const known = this.#known.get(name);
      // The id of what was in memory alone may be that of another message now.
      const isAnother = known !== undefined && known.id !== firstId + i;
      assert.ok(
        !isAnother || !this.#isKnown(known, now),
        `key ${key} of ${topic} is taken twice: by ${known?.id}, and by ${firstId + i}`,
      );
      const until = window > 0 ? now + window : 0;
      this.#known.set(name, { id: firstId + i, until, pledge: undefined, isUncertain: false });
      this.#ids.set(name, (this.#ids.get(name) ?? new Set()).add(firstId + i));
    }
  }

  /** The broker says that messages with these keys are there already. */
  tookBefore({ topic, keys }: Keyed, index: number, count: number, firstId: number): void {
    for (let i = 0; i < count; i++) {
      const key = keys[index + i] ?? "";
      const isOne = key !== "" && this.#ids.get(`${topic} ${key}`)?.has(firstId + i) === true;
      assert.ok(isOne, `key ${key} of ${topic} is said to be that of ${firstId + i}, which never had it`);
    }
  }

  /** The client is told which message has a key. */
  confirmed({ topic, keys }: Keyed, index: number, count: number, firstId: number, pledge: Pledge): void {
    for (let i = 0; i < count; i++) {
      const known = this.#known.get(`${topic} ${keys[index + i] ?? ""}`);
      if (known?.id === firstId + i && (known.pledge?.level ?? 0) < pledge.level) known.pledge = pledge;
    }
  }

  /** Somebody asks for a topic to be deleted. */
  askDeletion(topic: string): void {
    for (const [name, known] of this.#known) if (name.startsWith(`${topic} `)) known.isUncertain = true;
  }

  /** The clock may be set back now: what it has let be forgotten stays so. */
  stopClock(now: number): void {
    for (const known of this.#known.values()) {
      if (known.until > 0 && now >= known.until - SLACK) known.isUncertain = true;
    }
  }

  /** The shard of these topics, or all of them, ended. */
  restart(isGone: (topic: string) => boolean, holds: Holds, at: Pledge): void {
    for (const [name, known] of this.#known) {
      if (!isGone(name.slice(0, name.indexOf(" ")))) continue;
      if (known.pledge !== undefined && holds(known.pledge)) known.pledge = at;
      else known.isUncertain = true;
    }
  }

  /** With a window, that counts; without, whether its message is there, which is known again after each end. */
  #isKnown({ id, until, isUncertain }: Known, now: number): boolean {
    return until > 0 ? !isUncertain && now < until - SLACK : this.isThere(id);
  }
}

/** The keys that a step gives its messages; the first of the circle is none. */
export const keysOf = ({ topic, count, keyed }: Extract<ClientStep, { do: "publish" }>): Keyed | undefined => {
  if (keyed === undefined) return undefined;
  const { first, circle, window } = keyed;
  const places = Array.from({ length: count }, (_, i) => (first + i) % circle);
  return { topic, window, keys: places.map((place) => (place === 0 ? "" : `k${place}`)) };
};
