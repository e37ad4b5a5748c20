/**
 * `mpub`: a line, then so many elements. Those of the third generation are a length and JSON, those of the second a delay, a
 * length and a body; the fifth byte tells them apart. Elements are published as they come, several together, and answered
 * at the end: those in front of one that is wrong stay published, and those behind it are skipped.
 */
import { WORD_BYTES } from "../../../../protocol/entry.js";
import { formatId } from "../../../../protocol/id.js";
import { MAX_DELAY } from "../../../../protocol/limits.js";
import { Answer } from "../../../../protocol/op.js";
import { RECEIPT_ID_HIGH, RECEIPT_ID_LOW } from "../../../../protocol/selection.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { GatheredBody } from "../../../native/gathered-body.js";
import { JobReader } from "../job.js";
import { PublishHeads } from "../publish-heads.js";
import { readPushRefusal, requestPush } from "../push.js";
import type { LineClient } from "./client.js";
import type { Fault, Generation } from "./errors.js";
import type { Part } from "./part.js";
import { tooLargeFault } from "./pub.js";
import { ResponseType } from "./responses.js";

export const MAX_ELEMENTS = 1000;
const MILLISECONDS = 1000;

/** What tells the generations apart: bits of a length that are 0 in the second, and not in JSON. */
const LENGTH_TOP = 4;
const MAX_LENGTH_TOP = 0x0f;

const DELAY_BYTES = 4;
/** JSON writes a byte as six at most. */
const ESCAPE_BYTES = 6;
/** The other fields of an element. */
const FIELD_BYTES = 64 * 1024;

/** What is held of an `mpub` whose rest has not come. */
const GATHERED_BYTES = 16 * 1024;

const heads = new PublishHeads();

export class Mpub implements Part {
  readonly #client: LineClient;
  readonly #topic: string;
  #generation: Generation | undefined;
  /** Elements that have not come. */
  #left: number;
  /** Bytes of the current element that have not come: they are skipped, or read by `#job`. */
  #elementLeft = 0;
  #isSkipping = false;
  #job: JobReader | undefined;
  #fault: Fault | undefined;
  readonly #ids: string[] = [];
  /** Entries that are not published yet, and what they are published with. */
  #entries = Buffer.alloc(0);
  #size = 0;
  #count = 0;
  #routeKey = "";
  #delay = 0;

  /** With a fault all elements are skipped. */
  constructor(client: LineClient, topic: string, count: number, fault: Fault | undefined) {
    this.#client = client;
    this.#topic = topic;
    this.#left = count;
    this.#fault = fault;
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  take(bytes: Buffer, start: number, end: number): number {
    if (this.#elementLeft > 0) return this.#goOn(bytes, start, end);
    if (this.#generation === undefined) {
      if (end - start <= LENGTH_TOP) return start;
      this.#generation = (bytes[start + LENGTH_TOP] ?? 0) > MAX_LENGTH_TOP ? 3 : 2;
    }
    return this.#generation === 3 ? this.#takeJson(bytes, start, end) : this.#takeBody(bytes, start, end);
  }

  release(): void {
    this.#job?.body.release();
  }

  #takeJson(bytes: Buffer, start: number, end: number): number {
    const from = start + WORD_BYTES;
    if (end < from) return start;
    const length = bytes.readUInt32BE(start);
    const { maxMessageBytes } = this.#client.options;
    if (length > maxMessageBytes * ESCAPE_BYTES + FIELD_BYTES) this.#fault ??= tooLargeFault(maxMessageBytes);
    this.#isSkipping = this.#fault !== undefined;
    if (!this.#isSkipping) {
      this.#job ??= new JobReader(new GatheredBody(maxMessageBytes, WORD_BYTES));
      this.#job.reset();
    }
    this.#elementLeft = length;
    if (length > 0) return this.#goOn(bytes, from, end);
    this.#elementEnds();
    return from;
  }

  #takeBody(bytes: Buffer, start: number, end: number): number {
    const lengthAt = start + DELAY_BYTES;
    const from = lengthAt + WORD_BYTES;
    if (end < from) return start;
    const length = bytes.readUInt32BE(lengthAt);
    const { maxMessageBytes } = this.#client.options;
    if (length > maxMessageBytes) this.#fault ??= tooLargeFault(maxMessageBytes);
    if (this.#fault === undefined) {
      if (end - from < length) return start;
      const delay = bytes.readUInt32BE(start) * MILLISECONDS;
      if (delay > MAX_DELAY) this.#fault = { code: "E_INVALID_DELAY", text: "the delay is too long" };
      else this.#add("", delay, bytes.subarray(lengthAt, from + length));
      this.#next();
      return from + length;
    }
    this.#isSkipping = true;
    this.#elementLeft = length;
    if (length > 0) return this.#goOn(bytes, from, end);
    this.#next();
    return from;
  }

  /** Reads what has come of the current element. */
  #goOn(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#elementLeft);
    if (!this.#isSkipping) this.#job?.write(bytes, start, stop);
    this.#elementLeft -= stop - start;
    if (this.#elementLeft === 0) this.#elementEnds();
    return stop;
  }

  /** The JSON of an element, or what is skipped, is whole. */
  #elementEnds(): void {
    if (!this.#isSkipping && this.#job !== undefined) this.#endJob(this.#job);
    this.#next();
  }

  #endJob(reader: JobReader): void {
    const job = reader.end(this.#topic);
    const { body } = reader;
    if (typeof job === "string") {
      this.#fault ??= { code: "E_INVALID_JSON", text: job };
    } else if (body.fault !== undefined) {
      const busy: Fault = { code: "E_INVALID_PUSH", text: "the broker holds as many unfinished messages as it may" };
      this.#fault ??= body.fault === "busy" ? busy : tooLargeFault(body.limit);
    } else {
      const entry = body.withLead();
      entry.writeUInt32BE(entry.length - WORD_BYTES, 0);
      this.#add(job.routeKey, job.delay, entry);
    }
  }

  #add(routeKey: string, delay: number, entry: Uint8Array): void {
    // What an answer has brought meanwhile.
    if (this.#fault !== undefined) return;
    const isSame = routeKey === this.#routeKey && delay === this.#delay;
    const isFull = this.#size + entry.length > GATHERED_BYTES || this.#count >= this.#client.options.maxBatchMessages;
    if (!isSame || isFull) this.#flush();
    this.#routeKey = routeKey;
    this.#delay = delay;
    if (entry.length > GATHERED_BYTES) return this.#publish(entry, 1);
    if (this.#entries.length === 0) this.#entries = Buffer.allocUnsafe(GATHERED_BYTES);
    this.#entries.set(entry, this.#size);
    this.#size += entry.length;
    this.#count++;
  }

  #next(): void {
    if (--this.#left > 0) return;
    this.release();
    this.#flush();
    this.#client.session.inOrder(() => this.#answer());
  }

  #flush(): void {
    if (this.#count > 0 && this.#fault === undefined) this.#publish(this.#entries.subarray(0, this.#size), this.#count);
    this.#size = 0;
    this.#count = 0;
  }

  #publish(entries: Uint8Array, count: number): void {
    const routeKey = this.#routeKey;
    const head = heads.get(this.#topic, routeKey, this.#delay);
    requestPush(this.#client.session, head, entries, (frame) => this.#published(frame, count, routeKey));
  }

  #published(frame: AnswerFrame, count: number, routeKey: string): void {
    if (frame.op !== Answer.CONFIRM) {
      this.#fault ??= { code: "E_INVALID_PUSH", text: readPushRefusal(frame, routeKey) };
      return;
    }
    const high = frame.view.getUint32(frame.payloadStart + RECEIPT_ID_HIGH);
    const low = frame.view.getUint32(frame.payloadStart + RECEIPT_ID_LOW);
    for (let i = 0; i < count; i++) this.#ids.push(formatId(high, low + i));
  }

  #answer(): void {
    const generation = this.#generation ?? 3;
    if (this.#fault !== undefined) this.#client.fail(this.#fault, generation);
    else if (generation === 2) this.#client.ok();
    else this.#client.say(ResponseType.RESULT, `[${this.#ids.join(",")}]`);
  }
}
