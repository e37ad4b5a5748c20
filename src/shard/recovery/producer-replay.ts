/**
 * Restores what is remembered of producers: from the batches that they have numbered, and from the directory of a segment,
 * which has what was known of them when it was written. What a whole directory does not repeat had been forgotten by then; so
 * while one is read, all that is read makes a second account, which takes the place of the first at its end.
 */
import { Durability } from "../../protocol/op.js";
import type { Page } from "../log/page.js";
import * as record from "../log/record.js";
import type { Directory } from "../topics/directory.js";
import type { ProducerWindow } from "../topics/producer-window.js";
import { Producers, producersOf, type Remembering } from "../topics/producers.js";
import type { Topic } from "../topics/topic.js";
import { LastName } from "./last-name.js";

/** Topic, name, floor, runs, when it was used: see producer-window.ts. */
export type ProducerEntry = readonly [string, string, number, Uint8Array, number];

export class ProducerReplay {
  /** What was read since the present directory began; undefined: none is being read. */
  #repeated: Map<Topic, Producers> | undefined;
  /** The names of the last batch, as bytes and as text: mostly those of the next one as well. */
  readonly #topic = new LastName();
  readonly #producer = new LastName();

  constructor(readonly directory: Directory) {}

  /** Another segment begins: a directory that is not complete by now does not count. */
  segment(): void {
    this.#forget();
  }

  checkpoint(): void {
    this.#forget();
    this.#repeated = new Map();
  }

  complete(): void {
    const repeated = this.#repeated;
    this.#repeated = undefined;
    if (repeated === undefined) return;
    for (const topic of this.directory.topics) {
      topic.producers?.clear();
      topic.producers = repeated.get(topic);
      repeated.delete(topic);
    }
    // Of topics that were deleted meanwhile.
    for (const producers of repeated.values()) producers.clear();
  }

  /** Reads part of what a directory says of a producer. */
  part([topic, producer, floor, runs, usedAt]: ProducerEntry): void {
    this.#add(topic, producer, (window) => window.restorePart(floor, runs, usedAt));
  }

  /** A producer has had all answers, and was forgotten. */
  forgotten(name: string, producer: string): void {
    const topic = this.directory.find(name);
    if (topic === undefined) return;
    topic.producers?.answered(producer, Number.POSITIVE_INFINITY);
    this.#repeated?.get(topic)?.answered(producer, Number.POSITIVE_INFINITY);
  }

  /** Reads a NUMBERED batch. */
  batch({ bytes, view }: Page, at: number): void {
    const names = at + record.NAMES;
    const topic = this.#topic.read(bytes, names, names + view.getUint8(at + record.TOPIC_LENGTH));
    const numbers = record.queuesEnd(view, at);
    const name = numbers + record.NUMBERED_PRODUCER;
    const producer = this.#producer.read(bytes, name, name + view.getUint8(numbers + record.NUMBERED_LENGTH));
    const sequence = view.getFloat64(numbers + record.NUMBERED_SEQUENCE);
    const count = view.getUint16(at + record.COUNT);
    const idHigh = view.getUint32(at + record.FIRST_ID_HIGH);
    const idLow = view.getUint32(at + record.FIRST_ID_LOW);
    this.#add(topic, producer, (window, level, { dedupWindow }) =>
      window.restore(sequence, count, idHigh, idLow, level, dedupWindow),
    );
  }

  /** Has the windows of a producer filled; nothing if its topic is gone. */
  #add(
    name: string,
    producer: string,
    fill: (window: ProducerWindow, level: number, config: Remembering) => void,
  ): void {
    const topic = this.directory.find(name);
    if (topic === undefined) return;
    const { store } = this.directory;
    // It is not in memory alone, whatever its topic is now.
    const level = Math.max(topic.level, Durability.write);
    const { config } = topic;
    producersOf(topic, store).restore(producer, (window) => fill(window, level, config), config);
    if (this.#repeated === undefined) return;
    let repeated = this.#repeated.get(topic);
    if (repeated === undefined) {
      repeated = new Producers(name, store);
      this.#repeated.set(topic, repeated);
    }
    repeated.restore(producer, (window) => fill(window, level, config), config);
  }

  #forget(): void {
    for (const producers of this.#repeated?.values() ?? []) producers.clear();
    this.#repeated = undefined;
  }
}
