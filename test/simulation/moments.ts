/**
 * What a shard was like after each thing that was done to it, and what clients were told of that. When it is read back,
 * it must be like the last of these moments whose answers have promised so, or a later one, or something between two
 * later ones that follow one another.
 */
import assert from "node:assert/strict";
import { Durability } from "../../src/protocol/op.js";
import type { Photograph } from "./photograph.js";
import type { Holds, Pledge } from "./shadow.js";
import type { Answer } from "./staged-answers.js";
import { difference, type Terms } from "./survival.js";

export interface Moment {
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

/** How what was read back relates to what had happened. */
export interface Survival {
  /** Something is there that nobody was told of. */
  readonly hasSurvived: boolean;
  /** Something that nobody was told of is not there. */
  readonly hasVanished: boolean;
}

export class Moments {
  /** From the last one that is on disk for good. */
  #moments: Moment[] = [];

  get last(): Moment {
    const last = this.#moments.at(-1);
    assert.ok(last !== undefined, "there is always a moment that was confirmed");
    return last;
  }

  /** Something has been done; its answers have not been sent. */
  add(moment: Omit<Moment, "pledge">): void {
    this.#moments.push({ ...moment, pledge: undefined });
  }

  /** This is there for good. */
  begin(moment: Omit<Moment, "pledge">, at: number): void {
    this.#moments = [{ ...moment, pledge: { level: Durability.fsync, at } }];
  }

  /** All of it is on disk: a clean end. */
  settle(at: number): void {
    const { last } = this;
    last.pledge = { level: Durability.fsync, at };
    this.#moments = [last];
  }

  /** The answers are sent that need not wait for the journal. */
  sendFree(send: (answer: Answer) => void): void {
    for (const moment of this.#moments) {
      for (const answer of moment.free) send(answer);
      moment.free = [];
    }
  }

  /** The journal has confirmed: the answers are sent that have waited for it. */
  release(at: number, send: (answer: Answer) => void): void {
    for (const moment of this.#moments) {
      if (moment.pledge !== undefined) continue;
      for (const answer of moment.held) send(answer);
      moment.pledge = { level: moment.level, at };
    }
    // What is on disk stays there, and with it all that comes before.
    const durable = this.#moments.findLastIndex(({ pledge }) => pledge?.level === Durability.fsync);
    if (durable > 0) this.#moments.splice(0, durable);
  }

  /** Throws if what has been read back is nothing that the shard was like, or was like before what was promised. */
  compare(after: Photograph, holds: Holds, terms: Terms): Survival {
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
      if (whyNot === undefined) return { hasSurvived: i > promised, hasVanished: i < moments.length - 1 };
      reasons.push(`${moments.length - 1 - i} before the end: ${whyNot.slice(0, 400)}`);
    }
    assert.fail(`what is there was never promised:\n${reasons.slice(0, 6).join("\n")}`);
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
