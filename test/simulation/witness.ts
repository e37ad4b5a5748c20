/**
 * Who watches a shard through its life: takes a **photograph** of it after each command, and knows which answers were
 * sent when. What is read back later must be the last photograph whose effects were confirmed, or a later one, or
 * something between two later ones that follow one another.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Durability } from "../../src/protocol/op.js";
import type { Topic } from "../../src/shard/topics/topic.js";
import type { Clients, Topics } from "./clients.js";
import type { Life } from "./life.js";
import { Photograph, type QueueView, type View } from "./photograph.js";
import type { Holds, Pledge } from "./shadow.js";
import type { Answer } from "./staged-answers.js";
import { difference, type Terms } from "./survival.js";

/** Something was done to the shard. */
interface Moment {
  readonly photo: Photograph;
  /** Answers that need not wait for the journal and have not been sent yet. */
  free: readonly Answer[];
  /** Answers that are sent when the journal has confirmed. */
  readonly held: readonly Answer[];
  /** Promised with them; undefined: they have not been sent. */
  pledge: Pledge | undefined;
  /** How durable the journal was told to make it. */
  readonly demand: number;
}

/** What has become of the moments that nothing was promised of. */
export interface Verdict {
  /** Some of them have happened. */
  readonly isSurvived: boolean;
  /** Some of them have not. */
  readonly isVanished: boolean;
}

export class Witness {
  /** From the last one that is on disk for good. */
  #moments: Moment[] = [];

  constructor(
    readonly life: Life,
    readonly clients: Clients,
    /** Of the broker. */
    readonly topics: Topics,
    readonly now: () => number,
  ) {
    this.settle();
  }

  get photo(): Photograph {
    return this.#last.photo;
  }

  get #last(): Moment {
    const last = this.#moments.at(-1);
    assert.ok(last !== undefined, "there is always a moment that was confirmed");
    return last;
  }

  /** Something has been done to the shard; its answers wait for the journal. */
  remember(): void {
    const { shard, effects, free, held, log } = this.life;
    effects.finish();
    const moment = {
      photo: new Photograph(shard),
      free: free.take(),
      held: held.take(),
      pledge: undefined,
      demand: log.demand,
    };
    for (const answer of [...moment.free, ...moment.held]) this.clients.staged(answer, this.topics);
    this.#moments.push(moment);
  }

  /** What is there now is there for good. */
  settle(): void {
    this.#moments = [];
    this.remember();
    this.#last.pledge = { level: Durability.fsync, at: this.now() };
  }

  /** The pump sends what need not wait for the journal. */
  sendFree(): void {
    this.remember();
    for (const moment of this.#moments) {
      for (const answer of moment.free) this.clients.released(answer, this.now());
      moment.free = [];
    }
  }

  /** The journal has confirmed: what has waited for it is sent. */
  release(): void {
    const at = this.now();
    for (const moment of this.#moments) {
      if (moment.pledge !== undefined) continue;
      for (const answer of moment.held) this.clients.released(answer, at);
      moment.pledge = { level: this.#promise(moment), at };
    }
    // What is on disk stays there, and with it all that comes before.
    const durable = this.#moments.findLastIndex(({ pledge }) => pledge?.level === Durability.fsync);
    if (durable > 0) this.#moments.splice(0, durable);
  }

  /** A clean end: all that was accepted survives it, whatever happens to the machine. */
  end(): void {
    this.release();
    const last = this.#last;
    last.pledge = { level: Durability.fsync, at: this.now() };
    this.#moments = [last];
  }

  /** A topic has gone by itself. Its messages are the shadow's concern. */
  forgotten({ name }: Topic, before: Photograph): void {
    const was = before.topics.get(name);
    const isMeant = ({ isDeclared, paused }: QueueView): boolean => isDeclared || paused;
    const { defaultConfig } = this.life;
    const isNeeded =
      !isDeepStrictEqual({ ...defaultConfig, ...was?.config }, defaultConfig) ||
      [...(was?.queues.values() ?? [])].some(isMeant);
    assert.ok(!isNeeded, `topic ${name} was configured or declared and is forgotten`);
  }

  /** What has been read back is a state that the shard was in, and not an earlier one than was promised. */
  compare(after: View, holds: Holds, terms: Terms): Verdict {
    const moments = this.#moments;
    const promised = Math.max(
      0,
      moments.findLastIndex(({ pledge }) => pledge !== undefined && holds(pledge)),
    );
    const reasons: string[] = [];
    for (let i = moments.length - 1; i >= promised; i--) {
      const moment = moments[i];
      const next = moments[i + 1];
      if (moment === undefined) continue;
      const why = difference(moment.photo, moment.photo, after, terms);
      const whyNot =
        why !== undefined && next !== undefined
          ? difference(moment.photo, next.photo, after, { ...terms, fresh: publishedIn(next) })
          : why;
      if (whyNot === undefined) return { isSurvived: i > promised, isVanished: i < moments.length - 1 };
      reasons.push(`${moments.length - 1 - i} before the end: ${whyNot}`);
    }
    assert.fail(
      `what is there was never promised:\n${reasons
        .slice(0, 6)
        .map((reason) => reason.slice(0, 400))
        .join("\n")}`,
    );
  }

  /** The `Durability` that a moment's answers promise, as far as it has changed anything. */
  #promise({ held, demand }: Moment): number {
    let level = 0;
    for (const answer of held) {
      if (answer.kind === "confirm") level = Math.max(level, answer.level);
      else if (answer.kind === "result") level = Math.max(level, this.topics.level);
    }
    return Math.min(level, demand);
  }
}

/** The ids that were given out in a moment. */
const publishedIn = ({ free, held }: Moment): ReadonlySet<number> => {
  const keys = new Set<number>();
  for (const answer of [...free, ...held]) {
    if (answer.kind !== "confirm" || answer.firstKey === 0) continue;
    for (let i = 0; i < answer.messages; i++) keys.add(answer.firstKey + i);
  }
  return keys;
};
