/**
 * What a topic remembers of producers that number their messages, as the specification promises it: at least the newest
 * messages, for at least so long. What may be forgotten by then need not be.
 */
import assert from "node:assert/strict";
import type { TopicConfig } from "../../../src/shard/command.js";

interface Taken {
  readonly id: bigint;
  readonly at: number;
  /** It has been too old or too much: it is remembered or not. */
  mayBeForgotten: boolean;
}

class ModelProducer {
  readonly taken = new Map<number, Taken>();
  usedAt = Number.NEGATIVE_INFINITY;
  answered = 0;
}

export class ModelProducers {
  readonly #producers = new Map<string, ModelProducer>();

  /** When all of them are over; the past: there is none. */
  endOf({ dedupWindow }: TopicConfig): number {
    return Math.max(
      Number.NEGATIVE_INFINITY,
      ...[...this.#producers.values()].map(({ usedAt }) => usedAt + dedupWindow),
    );
  }

  /** A message was taken that the producer has numbered so. */
  took(name: string, sequence: number, id: bigint, now: number, config: TopicConfig): void {
    const producer = this.#producers.get(name) ?? new ModelProducer();
    this.#producers.set(name, producer);
    const known = producer.taken.get(sequence);
    assert.ok(
      known === undefined || known.mayBeForgotten,
      `message ${sequence} of ${name} was taken as ${known?.id} and again as ${id}`,
    );
    producer.taken.set(sequence, { id, at: now, mayBeForgotten: false });
    producer.usedAt = now;
    this.#age(producer, now, config);
  }

  /** The producer has said that it knows what became of what is below. */
  answered(name: string, below: number): void {
    const producer = this.#producers.get(name);
    if (producer === undefined) return;
    producer.answered = Math.max(producer.answered, below);
    for (const [sequence, taken] of producer.taken) if (sequence < below) taken.mayBeForgotten = true;
  }

  /** The same without a message. Nothing is left of a producer that has had all answers. */
  leaves(name: string, below: number): void {
    this.answered(name, below);
    const { taken, answered = 0 } = this.#producers.get(name) ?? {};
    if (taken === undefined || below < answered) return;
    if ([...taken.keys()].every((sequence) => sequence < below)) this.#producers.delete(name);
  }

  /** A message was not taken again. */
  again(name: string, sequence: number, id: bigint): void {
    const known = this.#producers.get(name)?.taken.get(sequence);
    assert.equal(known?.id, id, `message ${sequence} of ${name} is answered with another id`);
  }

  /** It is said that messages from a sequence on are forgotten. */
  forgotten(name: string, sequence: number): void {
    const { taken, answered } = this.#producers.get(name) ?? new ModelProducer();
    const known = taken.get(sequence);
    assert.ok(known === undefined || known.mayBeForgotten, `message ${sequence} of ${name} is forgotten too early`);
    assert.ok(
      sequence < answered || [...taken].some(([each, { mayBeForgotten }]) => each >= sequence && mayBeForgotten),
      `nothing behind ${sequence} of ${name} may be forgotten`,
    );
  }

  /** Time has passed, or the configuration is another one. */
  age(now: number, config: TopicConfig): void {
    for (const producer of this.#producers.values()) this.#age(producer, now, config);
  }

  #age({ taken, usedAt }: ModelProducer, now: number, { dedupWindow, dedupMessages }: TopicConfig): void {
    const newest = [...taken].sort(([a], [b]) => b - a);
    for (const [rank, [, each]] of newest.entries()) {
      // Those that were taken together are forgotten together, so it is the age of the oldest that counts.
      if (rank >= dedupMessages || now - each.at > dedupWindow || now - usedAt >= dedupWindow)
        each.mayBeForgotten = true;
    }
  }
}
