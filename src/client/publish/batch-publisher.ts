/**
 * Publishes lists of messages, in as few frames as the broker's limits allow.
 */
import { appendEntry, WORD_BYTES } from "../../protocol/entry.js";
import { MIN_LENGTH } from "../../protocol/frame.js";
import { NO_HEAD } from "../../protocol/head.js";
import { appendKeys, KEYS_BYTES, sizeOfKeys } from "../../protocol/keys.js";
import { NUMBERS_BYTES } from "../../protocol/numbers.js";
import { DUPLICATE, Op } from "../../protocol/op.js";
import { asBadArgument, badArgument, readList } from "../arguments/argument-checks.js";
import { encodeKey, keyWindowOf } from "../arguments/message-key.js";
import { readPublishBatch } from "../arguments/option-reader.js";
import type { Body, PublishBatchOptions } from "../arguments/options.js";
import type { PublishChecks } from "../arguments/publish-checks.js";
import { unobserved } from "../base/deferred.js";
import { brokerError, type RingmqError } from "../base/error.js";
import type { Chunk } from "../connection/chunk.js";
import type { Connection } from "../connection/connection.js";
import type { PublishHead } from "../connection/dated-frame.js";
import { Patience, PromisedRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { checkAttached, isBody } from "./body.js";
import { Fates } from "./fates.js";
import { encodeHeaders, encodeText, headersSize, MESSAGE_COST, readContent } from "./message-encoding.js";
import { appendNumbers, type Numbering } from "./numbering.js";
import { BatchReceipt, type IdRange } from "./receipt.js";
import type { TopicNumbers } from "./topic-numbers.js";

/** Consecutive messages that were taken together, or had been before. */
type TakenRange = IdRange & { readonly durability: number };

/** A PUBLISH of a whole frame, which is confirmed as one; where part of it had been taken before, in parts. */
class FrameRequest extends PromisedRequest<readonly TakenRange[]> {
  constructor(
    readonly count: number,
    /** The number of its first message, if it has one, and the numbers of which it is one. */
    readonly sequence: number | undefined,
    readonly numbers: TopicNumbers | undefined,
  ) {
    super();
    this.isRepeatable = sequence !== undefined;
  }

  override get patience(): Patience {
    return Patience.PUBLISH;
  }

  override confirmed(high: number, low: number, count: number, flags: number): void {
    this.resolve([taken(high, low, count, flags)]);
    this.release();
  }

  override result(value: unknown): void {
    const ranges: TakenRange[] = [];
    for (const [count, first, second, flags = 0] of new Fates(value, this.count).runs) {
      if (typeof second === "string") return this.failed(brokerError(first, second));
      ranges.push(taken(first, second, count, flags));
    }
    this.resolve(ranges);
    this.release();
  }

  override failed(error: RingmqError): void {
    super.failed(error);
    this.release();
  }

  /** Its numbers may still be sent, until it is released. */
  hold(): void {
    if (this.sequence !== undefined) this.numbers?.hold(this.sequence);
  }

  release(): void {
    if (this.sequence !== undefined) this.numbers?.release(this.sequence);
  }
}

const taken = (high: number, low: number, count: number, flags: number): TakenRange => ({
  high,
  low,
  count,
  durability: flags & ~DUPLICATE,
  isDuplicate: (flags & DUPLICATE) !== 0,
});

/** The numbers of a batch. */
export interface BatchNumbers {
  /** That of the first message. */
  readonly first: number;
  /** The frames that it was sent in, so far. */
  frames: number;
}

export class BatchPublisher {
  readonly #connection: Connection;
  readonly #checks: PublishChecks;
  readonly #numbering: Numbering | undefined;

  /** `numbering`: messages are numbered. */
  constructor(connection: Connection, checks: PublishChecks, numbering?: Numbering) {
    this.#connection = connection;
    this.#checks = checks;
    this.#numbering = numbering;
  }

  /** `known`: its numbers, if it has some already. */
  async publish(
    topic: string,
    bodies: readonly Body[],
    options: PublishBatchOptions = {},
    known?: BatchNumbers,
  ): Promise<BatchReceipt> {
    const read = readPublishBatch(options);
    this.#checks.publish(topic, read);
    const list = readList("bodies", bodies, "an array of texts and Uint8Arrays", isBody);
    const { maxFrameBytes, maxBatchMessages, maxMessageBytes } = this.#connection.info.limits;
    const keys = encodeKeys(read.keys, list.length);
    const keyWindow = keyWindowOf(read, keys);
    const elements: PublishHead = [topic, read.routeKey, read.delay, read.ttl, this.#numbering?.producer, keyWindow];
    const head = requestHead(elements);
    const numbering = this.#numbering;
    const isNumbered = known !== undefined || numbering !== undefined;
    const isDated = isNumbered && (read.delay !== undefined || read.ttl !== undefined);
    const dated = isDated ? { head: elements, since: this.#connection.clock.now() } : undefined;
    const before = (isNumbered ? NUMBERS_BYTES : 0) + (keys === undefined ? 0 : KEYS_BYTES);
    const headers = encodeHeaders(read.headers);
    // After the last call of the program's getters, so that nothing changes the bodies after they were checked.
    const contents = list.map((body, i) =>
      encodeText(readContent(() => `bodies[${i}]`, body, headers, maxMessageBytes)),
    );
    const overhead = WORD_BYTES + headersSize(headers);
    const frames: FrameRequest[] = [];
    for (let at = 0; at < contents.length; ) {
      if (at > 0) await this.#connection.pendingBytes.ready();
      let bytes = MIN_LENGTH + head.length + before;
      const first = at;
      for (; at < contents.length && at - first < maxBatchMessages; at++) {
        const content = contents[at] ?? NO_HEAD;
        // The program may have transferred its buffer while this waited for room.
        checkAttached(() => `bodies[${at}]`, content);
        const size = overhead + content.length + (keys === undefined ? 0 : 1 + (keys[at] ?? NO_HEAD).length);
        if (at > first && bytes + size > maxFrameBytes) break;
        bytes += size;
      }
      // Only now: what is published while this waits for room is sent before it, and has lower numbers.
      const numbers = numbering?.of(topic);
      const number = known === undefined ? numbers?.take(at - first) : known.first + first;
      const frame = new FrameRequest(at - first, number, numbers);
      frame.dated = dated;
      frames.push(frame);
      this.#send(head, headers, contents.slice(first, at), keys?.slice(first, at), bytes, frame);
      if (known !== undefined) known.frames = frames.length;
    }
    const confirmed = (await Promise.all(frames.map((frame) => frame.promise))).flat();
    return new BatchReceipt(confirmed, Math.min(...confirmed.map(({ durability }) => durability)));
  }

  /** Sends one frame, after everything that was requested before. */
  #send(
    head: Uint8Array,
    headers: Uint8Array,
    contents: readonly Uint8Array[],
    keys: readonly Uint8Array[] | undefined,
    bytes: number,
    frame: FrameRequest,
  ): void {
    const { pendingBytes } = this.#connection;
    const { sequence, numbers } = frame;
    this.#connection.assertOpen();
    const cost = bytes + MESSAGE_COST;
    pendingBytes.reserve(cost);
    frame.hold();
    let chunk: Chunk;
    try {
      chunk = this.#connection.begin(Op.PUBLISH, head);
      chunk.reserve(bytes);
      if (sequence !== undefined) appendNumbers(chunk, sequence, numbers?.answered ?? 0);
      if (keys !== undefined) writeKeys(chunk, keys);
      for (const content of contents) appendEntry(chunk, headers, content);
      this.#connection.seal();
      this.#connection.assertOpen();
    } catch (error) {
      pendingBytes.release(cost);
      frame.release();
      throw asBadArgument(error);
    }
    unobserved(frame.promise);
    frame.pendingBytes = cost;
    this.#connection.attach(chunk, frame);
    this.#connection.schedule();
  }
}

/** The keys of so many messages, an empty one for none; undefined: no message has one. Throws BAD_ARGUMENT. */
const encodeKeys = (
  keys: readonly (string | undefined)[] | undefined,
  messages: number,
): readonly Uint8Array[] | undefined => {
  if (keys === undefined) return undefined;
  if (keys.length !== messages) throw badArgument("keys", keys.length, `as many as the bodies, ${messages}`);
  return keys.map((key, i) => (key === undefined ? NO_HEAD : encodeKey(`keys[${i}]`, key)));
};

const writeKeys = (chunk: Chunk, keys: readonly Uint8Array[]): void => {
  chunk.reserve(KEYS_BYTES);
  chunk.view.setUint32(chunk.end, sizeOfKeys(keys));
  chunk.end += KEYS_BYTES;
  appendKeys(chunk, keys);
};
