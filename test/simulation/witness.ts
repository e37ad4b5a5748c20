/**
 * Who watches a shard through its life: takes a **photograph** of it after each command, and knows which answers were
 * sent when. What is read back later must be the last photograph whose effects were confirmed, or a later one, or
 * something between two later ones that follow one another.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Durability } from "../../src/protocol/op.js";
import type { Command } from "../../src/shard/command.js";
import { checkLists } from "../../src/shard/messages/invariants.js";
import type { Topic } from "../../src/shard/topics/topic.js";
import type { Clients, Topics } from "./clients.js";
import type { Life } from "./life.js";
import type { Looks } from "./looks.js";
import { Photograph, type QueueView, type View } from "./photograph.js";
import { isAnswerTo, isDone, type Levels, levelsOf, promised } from "./promises.js";
import { fatesIn } from "./publish-fates.js";
import type { Holds, Pledge } from "./shadow.js";
import type { Answer } from "./staged-answers.js";
import { difference, isChanged, type Terms } from "./survival.js";

/** Something was done to the shard. */
interface Moment {
  readonly photo: Photograph;
  /** Answers that need not wait for the journal and have not been sent yet. */
  free: readonly Answer[];
  /** Answers that are sent when the journal has confirmed. */
  readonly held: readonly Answer[];
  /** The `Durability` that they promise of what was done; 0: none. */
  readonly level: number;
  /** Promised with them; undefined: they have not been sent. */
  pledge: Pledge | undefined;
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
    readonly looks: Looks,
    /** Of the broker. */
    readonly topics: Topics,
    readonly now: () => number,
  ) {
    this.#levels = levelsOf(this.life.shard);
    this.settle();
  }

  #levels: Levels;

  get photo(): Photograph {
    return this.#last.photo;
  }

  get #last(): Moment {
    const last = this.#moments.at(-1);
    assert.ok(last !== undefined, "there is always a moment that was confirmed");
    return last;
  }

  /** Something has been done to the shard, perhaps by a command; its answers wait for the journal. */
  remember(command?: Command): void {
    const { shard, effects } = this.life;
    effects.finish();
    const free = this.life.free.take();
    const held = this.life.held.take();
    const answers = [...free, ...held];
    for (const answer of answers) this.clients.staged(answer, this.topics);
    checkLists(shard.store, shard.directory.queues);
    const photo = new Photograph(shard);
    const scene = { before: this.#moments.at(-1)?.photo ?? photo, after: photo, shard };
    for (const answer of answers) this.looks.answered(answer, scene);
    const level = command === undefined ? 0 : this.#promise(command, photo, answers);
    this.#levels = levelsOf(shard);
    this.#moments.push({ photo, free, held, level, pledge: undefined });
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
      moment.pledge = { level: moment.level, at };
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

  /** The `Durability` that the answers to a command promise, if it has changed anything. */
  #promise(command: Command, photo: Photograph, answers: readonly Answer[]): number {
    const level = promised(command, this.life.shard, this.#levels);
    const done = answers.filter(isDone).filter((answer) => isAnswerTo(command, answer));
    if (level === 0 || done.length === 0) return 0;
    for (const answer of done) {
      // What was taken before has the level that it was taken with.
      if (command.op === "publish" && fatesIn(answer).some(({ isDuplicate }) => isDuplicate)) continue;
      assert.equal(answer.level, level, `${command.op} is done at another level than it must be`);
    }
    if (!("topic" in command)) return 0;
    return isChanged(this.photo.topics.get(command.topic), photo.topics.get(command.topic)) ? level : 0;
  }
}

/** The ids that were given out in a moment. */
const publishedIn = ({ free, held }: Moment): ReadonlySet<number> => {
  const keys = new Set<number>();
  for (const answer of [...free, ...held]) {
    for (const { key, count, isDuplicate } of fatesIn(answer)) {
      if (key === 0 || isDuplicate) continue;
      for (let i = 0; i < count; i++) keys.add(key + i);
    }
  }
  return keys;
};
