/**
 * Decodes PUBLISH. Two things make publishing one message a frame cheap. A head that repeats the one before is not
 * decoded again; and consecutive requests that publish one message each with the same head become one command: their
 * bytes are copied out of the ring in one go, and the entries are then pushed together inside that copy.
 */
import { SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import { ProtocolError } from "../protocol/errors.js";
import { HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../protocol/frame.js";
import { NO_HEAD } from "../protocol/head.js";
import { countKeys, KEYS_BYTES } from "../protocol/keys.js";
import { MAX_BATCH_MESSAGES, MAX_DELAY } from "../protocol/limits.js";
import { ANSWERED, NUMBERS_BYTES, readNumber, SEQUENCE } from "../protocol/numbers.js";
import { ONE_BY_ONE, Op } from "../protocol/op.js";
import type { Publish } from "../shard/command.js";
import { countMessages, type DecoderLimits } from "./decoder-limits.js";
import type { FrameCursor } from "./frame-cursor.js";
import type { HeadReader } from "./head-reader.js";

/** The key window of a PUBLISH whose messages have no keys. */
const KEYLESS = -1;

/** So that the numbers of a batch are exact. */
const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER - MAX_BATCH_MESSAGES;

export class PublishDecoder {
  /** The only command, reused for each; its topic and options are those in `#headBytes`. */
  readonly command: Publish;
  readonly #head: HeadReader;
  readonly #limits: DecoderLimits;
  #headBytes: Uint8Array = NO_HEAD;
  /** The number of the first message, in words. */
  #sequenceHigh = 0;
  #sequenceLow = 0;
  #copy = new Uint8Array(64 * 1024);
  #copyView = new DataView(this.#copy.buffer);

  constructor(limits: DecoderLimits, head: HeadReader) {
    this.#head = head;
    this.#limits = limits;
    this.command = {
      op: "publish",
      connection: 0,
      request: 0,
      requests: 1,
      count: 0,
      isOneByOne: false,
      topic: "",
      routeKey: "",
      delay: 0,
      ttl: 0,
      producer: "",
      sequence: 0,
      answered: 0,
      keyWindow: KEYLESS,
      keysStart: 0,
      keysEnd: 0,
      bytes: this.#copy,
      view: this.#copyView,
      start: 0,
      end: 0,
    };
  }

  /**
   * Decodes the frame at the cursor into `command`, with the frames after it that can be merged. Returns where the next
   * frame begins. Throws a `ProtocolError` about the first frame.
   */
  decode(cursor: FrameCursor): number {
    const { bytes, view, payload, end } = cursor;
    const c = this.command;
    this.#readHead(cursor);
    c.connection = cursor.connection;
    c.request = cursor.request;
    c.requests = 1;
    c.isOneByOne = (cursor.flags & ONE_BY_ONE) !== 0;
    const isKeyed = c.keyWindow !== KEYLESS;
    const entries = this.#readKeys(view, this.#readNumbers(view, payload, end), end);
    const isSingle = end < cursor.limit && !isKeyed && this.#isSingle(view, entries, end);
    if (isSingle && this.#follows(bytes, view, end, cursor.request + 1)) return this.#merge(cursor, entries);
    c.count = countMessages(this.#limits, view, entries, end);
    if (isKeyed && countKeys(view, c.keysStart ?? 0, entries) !== c.count) {
      throw new ProtocolError("BAD_PAYLOAD", "there must be a key, which may be empty, for each message");
    }
    c.bytes = bytes;
    c.view = view;
    c.start = entries;
    c.end = end;
    return end;
  }

  /** Reads what the producer of numbered messages says of them. Answers where the entries begin. Throws BAD_PAYLOAD. */
  #readNumbers(view: DataView, payload: number, end: number): number {
    const c = this.command;
    if (c.producer === "") return payload;
    const entries = payload + NUMBERS_BYTES;
    if (entries > end) throw new ProtocolError("BAD_PAYLOAD", "the messages of a producer have numbers before them");
    const sequence = readNumber(view, payload + SEQUENCE);
    const answered = readNumber(view, payload + ANSWERED);
    if (!(answered <= sequence && sequence <= MAX_SEQUENCE)) {
      throw new ProtocolError(
        "BAD_PAYLOAD",
        `a sequence is at most ${MAX_SEQUENCE}, and is not answered before it is sent`,
      );
    }
    c.sequence = sequence;
    c.answered = answered;
    this.#sequenceHigh = view.getUint32(payload + SEQUENCE);
    this.#sequenceLow = view.getUint32(payload + SEQUENCE + 4);
    return entries;
  }

  /** Finds the keys of messages that have some. Answers where the entries begin. Throws BAD_PAYLOAD. */
  #readKeys(view: DataView, at: number, end: number): number {
    const c = this.command;
    c.keysStart = at;
    c.keysEnd = at;
    if (c.keyWindow === KEYLESS) return at;
    const start = at + KEYS_BYTES;
    const entries = start <= end ? start + view.getUint32(at) : end + 1;
    if (entries > end) throw new ProtocolError("BAD_PAYLOAD", "messages with a key window have keys before them");
    c.keysStart = start;
    c.keysEnd = entries;
    return entries;
  }

  /** Merges consecutive publishes of one message each, by moving their entries together: that of the first is at `entry`. */
  #merge({ bytes, start, limit }: FrameCursor, entry: number): number {
    const c = this.command;
    const length = limit - start;
    if (length > this.#copy.length) {
      this.#copy = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      this.#copyView = new DataView(this.#copy.buffer);
    }
    const copy = this.#copy;
    const view = this.#copyView;
    copy.set(bytes.subarray(start, limit));
    // Bytes from a frame to its entry: the same in all, since their heads are equal.
    const lead = entry - start;
    let from = 0;
    let to = lead;
    let requests = 0;
    do {
      const stop = from + LENGTH_BYTES + view.getUint32(from);
      const at = from + lead;
      // The entry moves forward, over heads that are not needed any more.
      if (requests > 0) copy.copyWithin(to, at, stop);
      to += stop - at;
      from = stop;
      requests++;
    } while (
      from < length &&
      requests < this.#limits.maxBatchMessages &&
      this.#follows(copy, view, from, c.request + requests) &&
      this.#isSingle(view, from + lead, from + LENGTH_BYTES + view.getUint32(from))
    );
    c.requests = requests;
    c.count = requests;
    c.bytes = copy;
    c.view = view;
    c.start = lead;
    c.end = to;
    return start + from;
  }

  /** Whether the frame at `at` is a PUBLISH with the same head and this request number, whose message has the next number. */
  #follows(bytes: Uint8Array, view: DataView, at: number, request: number): boolean {
    if (view.getUint8(at + OP) !== Op.PUBLISH || view.getUint32(at + REQUEST) !== request) return false;
    const length = view.getUint16(at + HEAD_LENGTH);
    if (!this.#isSameHead(bytes, at + HEAD, length)) return false;
    if (this.command.producer === "") return true;
    const payload = at + HEAD + length;
    if (payload + NUMBERS_BYTES > at + LENGTH_BYTES + view.getUint32(at)) return false;
    // Numbers that differ in the high word are not merged: once in four billion messages.
    const low = this.#sequenceLow + request - this.command.request;
    return view.getUint32(payload + SEQUENCE + 4) === low && view.getUint32(payload + SEQUENCE) === this.#sequenceHigh;
  }

  /** Whether a payload is one valid entry without headers. Only such payloads are merged. */
  #isSingle(view: DataView, start: number, stop: number): boolean {
    if (stop - start < WORD_BYTES) return false;
    const word = view.getUint32(start);
    return word <= SIZE_MASK && word === stop - start - WORD_BYTES && word <= this.#limits.maxMessageBytes;
  }

  #isSameHead(bytes: Uint8Array, start: number, length: number): boolean {
    const known = this.#headBytes;
    if (known.length !== length) return false;
    for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
    return true;
  }

  #readHead({ bytes, view, head: start, payload: end }: FrameCursor): void {
    if (this.#headBytes.length > 0 && this.#isSameHead(bytes, start, end - start)) return;
    this.#headBytes = NO_HEAD;
    const head = this.#head;
    head.begin(bytes, view, start, end);
    const c = this.command;
    c.topic = head.name("topic");
    c.routeKey = head.key("route key");
    c.delay = head.duration("delay");
    c.ttl = head.duration("ttl");
    c.producer = head.key("producer");
    c.keyWindow = head.integer("key window", KEYLESS, 0, MAX_DELAY);
    head.end();
    // Not `slice`: that of a Buffer is not a copy.
    this.#headBytes = new Uint8Array(bytes.subarray(start, end));
  }
}
