/**
 * `pub`: a line, the length of a body, the body. Publishers say the same line again and again: it is compared with the last
 * one and not read anew, and messages that have come together are published together.
 */
import { SIZE_MASK, WORD_BYTES } from "../../../../protocol/entry.js";
import { Answer } from "../../../../protocol/op.js";
import { RECEIPT_ID_HIGH, RECEIPT_ID_LOW } from "../../../../protocol/selection.js";
import type { AnswerFrame, AnswerHandler } from "../../../native/answer-frame.js";
import { PublishHeads } from "../publish-heads.js";
import { readPushFates, readPushRefusal, requestPush, requestPushes } from "../push.js";
import type { LineClient } from "./client.js";
import { type Fault, faultText, type Generation } from "./errors.js";
import { ResponseType } from "./responses.js";
import { keyFault, MAX_LINE_BYTES, topicFault, wholeNumber } from "./words.js";

/** Seconds: three days. */
const MAX_DELAY = 259_200;
const MILLISECONDS = 1000;

/** Messages up to this size are laid out together. */
const BATCH_BYTES = 64 * 1024;

/** Up to here copying a byte at a time is faster than a call that copies them all. */
const FEW_BYTES = 48;

/** Of all clients: a request's payload is the caller's again at once. */
const batch = Buffer.alloc(BATCH_BYTES);
const heads = new PublishHeads();

/** What a line says. */
export interface PubLine {
  readonly topic: string;
  readonly routeKey: string;
  /** Seconds. */
  readonly delay: number;
  readonly generation: Generation;
}

/** What the words behind `pub` say; undefined: there are not as many. */
export const pubLine = (words: readonly string[]): PubLine | undefined => {
  const [topic = "", second = "", third] = words;
  if (words.length === 3) return { topic, routeKey: second, delay: wholeNumber(third ?? ""), generation: 3 };
  return words.length === 2 ? { topic, routeKey: "", delay: wholeNumber(second), generation: 2 } : undefined;
};

/** A fault that closes, because theirs does. */
export const delayFault = ({ delay, generation }: PubLine): Fault | undefined => {
  if (delay <= MAX_DELAY) return undefined;
  const text = generation === 2 ? "pub.delay exceeding the maximum" : `delay can't exceeding the maximum ${MAX_DELAY}`;
  return { code: "E_INVALID_DELAY", text };
};

export const pubFault = ({ topic, routeKey }: PubLine): Fault | undefined =>
  topicFault(topic) ?? keyFault("route key", routeKey);

export class Pub {
  readonly #client: LineClient;
  /** The last line, with its line feed. */
  readonly #line = new Uint8Array(MAX_LINE_BYTES);
  #length = 0;
  #routeKey = "";
  #generation: Generation = 3;
  #head: Uint8Array = new Uint8Array(0);

  constructor(client: LineClient) {
    this.#client = client;
  }

  /** Whether the last line stands at `at`. */
  matches(bytes: Uint8Array, at: number, end: number): boolean {
    const length = this.#length;
    if (length === 0 || end - at < length) return false;
    const line = this.#line;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== line[i]) return false;
    return true;
  }

  /** The line in [start, next), which has no fault. */
  learn(bytes: Uint8Array, start: number, next: number, { topic, routeKey, delay, generation }: PubLine): void {
    this.#line.set(bytes.subarray(start, next));
    this.#length = next - start;
    this.#routeKey = routeKey;
    this.#generation = generation;
    this.#head = heads.get(topic, routeKey, Math.max(0, delay) * MILLISECONDS);
  }

  /**
   * Publishes the messages that stand at `start`, where the last line does, as far as they are whole; answers where they
   * end. `start`: the first is not whole, or it is too large.
   */
  take(bytes: Buffer, start: number, end: number): number {
    const { maxMessageBytes, maxBatchMessages } = this.#client.options;
    let at = start;
    let count = 0;
    let size = 0;
    let first = 0;
    do {
      const from = at + this.#length;
      if (end - from < WORD_BYTES) break;
      const length = bytes.readUInt32BE(from);
      const next = from + WORD_BYTES + length;
      if (next > end || length > maxMessageBytes || length > SIZE_MASK) break;
      const entry = next - from;
      if (count === 1) size = append(bytes, first, at, 0);
      if (count > 0) {
        if (size + entry > BATCH_BYTES) break;
        size = append(bytes, from, next, size);
      } else {
        first = from;
      }
      count++;
      at = next;
    } while (count < maxBatchMessages && at - first < BATCH_BYTES && this.matches(bytes, at, end));
    if (count > 0) this.#publish(count, count === 1 ? bytes.subarray(first, at) : batch.subarray(0, size));
    return at;
  }

  /** A message larger than any stands at `start`: where its body begins, and its length. Undefined: that is not so. */
  tooLarge(bytes: Buffer, start: number, end: number): { readonly next: number; readonly length: number } | undefined {
    const from = start + this.#length;
    if (end - from < WORD_BYTES) return undefined;
    const length = bytes.readUInt32BE(from);
    const { maxMessageBytes } = this.#client.options;
    if (length <= maxMessageBytes) return undefined;
    this.#client.refuse(tooLargeFault(maxMessageBytes), this.#generation);
    return { next: from + WORD_BYTES, length };
  }

  #publish(count: number, entries: Uint8Array): void {
    const generation = this.#generation;
    const routeKey = this.#routeKey;
    const onAnswer: AnswerHandler = (frame) => this.#answer(frame, count, routeKey, generation);
    const request = count > 1 ? requestPushes : requestPush;
    request(this.#client.session, this.#head, entries, onAnswer);
  }

  #answer(frame: AnswerFrame, count: number, routeKey: string, generation: Generation): void {
    const { responses } = this.#client;
    if (frame.op === Answer.CONFIRM) {
      const { view, payloadStart } = frame;
      responses.ids(
        view.getUint32(payloadStart + RECEIPT_ID_HIGH),
        view.getUint32(payloadStart + RECEIPT_ID_LOW),
        count,
      );
    } else if (frame.op === Answer.RESULT) {
      for (const fate of readPushFates(frame)) {
        if (fate.refusal === undefined) responses.ids(fate.idHigh, fate.idLow, fate.count);
        else this.#refused(fate.refusal, fate.count, generation);
      }
    } else {
      this.#refused(readPushRefusal(frame, routeKey), count, generation);
    }
    responses.flush();
  }

  #refused(refusal: string, count: number, generation: Generation): void {
    const text = faultText({ code: "E_INVALID_PUSH", text: refusal }, generation);
    for (let i = 0; i < count; i++) this.#client.responses.text(ResponseType.ERROR, text);
  }
}

export const tooLargeFault = (maxMessageBytes: number): Fault => ({
  code: "E_INVALID_PUSH",
  text: `body is above ${maxMessageBytes} bytes`,
});

/** Appends [from, to) to the batch behind its first `size` bytes; answers how many it has then. */
const append = (bytes: Buffer, from: number, to: number, size: number): number => {
  const length = to - from;
  if (length > FEW_BYTES) bytes.copy(batch, size, from, to);
  else for (let i = 0; i < length; i++) batch[size + i] = bytes[from + i] ?? 0;
  return size + length;
};
