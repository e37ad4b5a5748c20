/**
 * Clients that number their messages: what each has sent, and what it was told of it. They send again what they have sent
 * before, answered or not, and hold against the broker that a message which was taken once is not taken a second time.
 */
import assert from "node:assert/strict";
import { DEFAULT_DEDUP_WINDOW } from "../../src/protocol/limits.js";
import type { Batch, Holds, Pledge } from "./shadow.js";

/** A batch that was sent, and may be again. */
export interface Numbered {
  readonly topic: string;
  readonly producer: string;
  readonly sequence: number;
  readonly batch: Batch;
  readonly bytes: Buffer;
}

/** A message that the broker has taken. */
interface Taken {
  readonly key: number;
  /** When, by the broker's clock. */
  readonly at: number;
  /** What the client was told; undefined: nothing yet. */
  pledge: Pledge | undefined;
  /** Everything has ended since, and it may have ended with it. */
  isUncertain: boolean;
  /** It is so long ago that it may be forgotten, or its topic was to be deleted. */
  mayBeForgotten: boolean;
}

const nameOf = (topic: string, producer: string): string => `${topic} ${producer}`;

export class Producing {
  /** By topic and producer. */
  readonly #sent = new Map<string, Numbered[]>();
  /** By topic, producer and sequence. */
  readonly #taken = new Map<string, Map<number, Taken>>();

  /** What a producer sent so many batches ago; undefined: it has sent less. */
  again(topic: string, producer: string, back: number): Numbered | undefined {
    return this.#sent.get(nameOf(topic, producer))?.at(-back);
  }

  /** Numbers a new batch. */
  send(topic: string, producer: string, batch: Batch, bytes: Buffer): Numbered {
    const sent = this.#sent.get(nameOf(topic, producer)) ?? [];
    const last = sent.at(-1);
    const numbered = {
      topic,
      producer,
      sequence: last === undefined ? 0 : last.sequence + last.batch.count,
      batch,
      bytes,
    };
    this.#sent.set(nameOf(topic, producer), [...sent, numbered]);
    return numbered;
  }

  /** The broker has taken messages of a batch; nobody has been told yet. */
  took({ topic, producer, sequence }: Numbered, index: number, count: number, firstKey: number, now: number): void {
    const taken = this.#takenOf(topic, producer);
    for (let i = 0; i < count; i++) {
      const known = taken.get(sequence + index + i);
      assert.ok(
        known === undefined || known.isUncertain || known.mayBeForgotten || isOver(known, now),
        `message ${sequence + index + i} of producer ${producer} is taken twice: as ${known?.key}, and as ${firstKey + i}`,
      );
      const fate = { pledge: undefined, isUncertain: false, mayBeForgotten: false };
      taken.set(sequence + index + i, { key: firstKey + i, at: now, ...fate });
    }
  }

  /** The broker says that it has taken messages before. */
  tookBefore({ topic, producer, sequence }: Numbered, index: number, count: number, firstKey: number): void {
    for (let i = 0; i < count; i++) {
      const known = this.#takenOf(topic, producer).get(sequence + index + i);
      assert.equal(firstKey + i, known?.key, `message ${sequence + index + i} of producer ${producer} has another id`);
      if (known !== undefined) known.isUncertain = false;
    }
  }

  /** The client is told that messages are taken. */
  confirmed({ topic, producer, sequence }: Numbered, index: number, count: number, pledge: Pledge): void {
    for (let i = 0; i < count; i++) {
      const known = this.#takenOf(topic, producer).get(sequence + index + i);
      if (known !== undefined && (known.pledge?.level ?? 0) < pledge.level) known.pledge = pledge;
    }
  }

  /** The broker says that it does not know any more whether it has taken a message. */
  forgotten({ topic, producer, sequence }: Numbered, index: number, now: number): void {
    const known = this.#takenOf(topic, producer).get(sequence + index);
    assert.ok(
      known === undefined || known.mayBeForgotten || isOver(known, now),
      `message ${sequence + index} of producer ${producer} is said to be forgotten`,
    );
  }

  /** Somebody asks for a topic to be deleted. */
  askDeletion(topic: string): void {
    for (const [name, taken] of this.#taken) {
      if (!name.startsWith(`${topic} `)) continue;
      for (const each of taken.values()) each.mayBeForgotten = true;
    }
  }

  /** The clock may be set back now: what it has let be forgotten stays so. */
  stopClock(now: number): void {
    for (const taken of this.#taken.values()) {
      for (const each of taken.values()) if (isOver(each, now)) each.mayBeForgotten = true;
    }
  }

  /** The shard of these topics, or all of them, ended. */
  restart(isGone: (topic: string) => boolean, holds: Holds, at: Pledge): void {
    for (const [name, taken] of this.#taken) {
      if (!isGone(name.slice(0, name.indexOf(" ")))) continue;
      for (const each of taken.values()) {
        if (each.pledge !== undefined && holds(each.pledge)) {
          each.pledge = at;
        } else {
          each.pledge = undefined;
          each.isUncertain = true;
        }
      }
    }
  }

  #takenOf(topic: string, producer: string): Map<number, Taken> {
    const known = this.#taken.get(nameOf(topic, producer)) ?? new Map<number, Taken>();
    this.#taken.set(nameOf(topic, producer), known);
    return known;
  }
}

/** Ids are of times that may be a little ahead of the clock, which is set back now and then. */
const SLACK = 2_000;

/** Whether so much time may have passed that a message is forgotten. */
const isOver = ({ at }: Taken, now: number): boolean => Math.abs(now - at) >= DEFAULT_DEDUP_WINDOW - SLACK;
