/**
 * Numbers the messages of a program, topic by topic, so that a broker takes each of them once, however often it is sent: see
 * "Numbered messages" in docs/protocol.md.
 */
import type { FrameWriter } from "../../protocol/frame.js";
import { NUMBERS_BYTES, SEQUENCE, writeNumber } from "../../protocol/numbers.js";

/** Topics whose next numbers are kept apart. What comes to others is numbered from the highest on. */
const MAX_TOPICS = 10_000;

export class Numbering {
  /** A name that no other program has. */
  readonly producer: string;
  readonly #next = new Map<string, number>();
  /** The topic of the last number, and its next one, which the table has when another topic comes. */
  #topic: string | undefined;
  #nextOfTopic = 0;
  /** The next number of a topic that is not in the table. */
  #floor = 0;

  constructor(producer = randomName()) {
    this.producer = producer;
  }

  /** Takes numbers for so many messages to a topic. Answers the first. */
  take(topic: string, count = 1): number {
    if (topic !== this.#topic) this.#turnTo(topic);
    const first = this.#nextOfTopic;
    this.#nextOfTopic += count;
    return first;
  }

  #turnTo(topic: string): void {
    if (this.#topic !== undefined) this.#next.set(this.#topic, this.#nextOfTopic);
    const next = this.#next.get(topic);
    if (next === undefined && this.#next.size >= MAX_TOPICS) this.#forget();
    this.#topic = topic;
    this.#nextOfTopic = next ?? this.#floor;
  }

  #forget(): void {
    for (const next of this.#next.values()) this.#floor = Math.max(this.#floor, next);
    this.#next.clear();
  }
}

const randomName = (): string =>
  Array.from(crypto.getRandomValues(new Uint32Array(3)), (word) => word.toString(36)).join("");

const NO_NUMBERS = new Uint8Array(NUMBERS_BYTES);

/** Begins the payload of a frame, the first message of which has this number. */
export const appendNumbers = (frame: FrameWriter, sequence: number): void => {
  const at = frame.end;
  frame.append(NO_NUMBERS);
  writeNumber(frame.view, at + SEQUENCE, sequence);
};
