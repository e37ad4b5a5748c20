/**
 * Numbers the messages of a program, topic by topic, so that a broker takes each of them once, however often it is sent: see
 * "Numbered messages" in docs/protocol.md.
 */
import type { FrameWriter } from "../../protocol/frame.js";
import { ANSWERED, NUMBERS_BYTES, SEQUENCE, writeNumber } from "../../protocol/numbers.js";
import { TopicNumbers } from "./topic-numbers.js";

/** Topics whose numbers are kept apart, beside those that wait for answers. What comes to others is numbered from the highest on. */
const MAX_TOPICS = 10_000;

export class Numbering {
  /** A name that no other program has. */
  readonly producer: string;
  readonly #byTopic = new Map<string, TopicNumbers>();
  /** So many topics are kept when those that wait for nothing are forgotten. */
  #forgetAt = MAX_TOPICS;
  /** A connection has ended before all that was sent on it was answered, or may have: the rest may come to the broker yet. */
  wasCutOff = false;
  /** The next number of a topic that is not in the table. */
  #floor = 0;
  /** Those of the last topic. */
  #topic: string | undefined;
  #numbers = new TopicNumbers(0);

  constructor(producer = randomName()) {
    this.producer = producer;
  }

  /** The numbers of a topic: to be used at once, unless some are held. */
  of(topic: string): TopicNumbers {
    if (topic !== this.#topic) {
      this.#numbers = this.#byTopic.get(topic) ?? this.#begin(topic);
      this.#topic = topic;
    }
    return this.#numbers;
  }

  /** The topics all of whose numbers have been answered, and below which. */
  *answered(): Iterable<[topic: string, below: number]> {
    for (const [topic, { next, isIdle }] of this.#byTopic) if (isIdle) yield [topic, next];
  }

  #begin(topic: string): TopicNumbers {
    if (this.#byTopic.size >= this.#forgetAt) this.#forget();
    const numbers = new TopicNumbers(this.#floor);
    this.#byTopic.set(topic, numbers);
    return numbers;
  }

  #forget(): void {
    for (const [topic, { next, isIdle }] of this.#byTopic) {
      this.#floor = Math.max(this.#floor, next);
      if (isIdle) this.#byTopic.delete(topic);
    }
    this.#forgetAt = Math.max(MAX_TOPICS, 2 * this.#byTopic.size);
  }
}

const randomName = (): string =>
  Array.from(crypto.getRandomValues(new Uint32Array(3)), (word) => word.toString(36)).join("");

const NO_NUMBERS = new Uint8Array(NUMBERS_BYTES);

/** Begins the payload of a frame, the first message of which has this number. */
export const appendNumbers = (frame: FrameWriter, sequence: number, answered: number): void => {
  const at = frame.end;
  frame.append(NO_NUMBERS);
  writeNumber(frame.view, at + SEQUENCE, sequence);
  writeNumber(frame.view, at + ANSWERED, answered);
};
