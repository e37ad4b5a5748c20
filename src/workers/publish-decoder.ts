/**
 * Decodes PUBLISH. Two things make publishing one message a frame cheap: a head that repeats the one before is not decoded
 * again, and consecutive requests that publish one message each with the same head become one command. Their bytes are
 * copied out of the ring in one go, and the entries are then pushed together inside that copy.
 */
import { SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import * as frame from "../protocol/frame.js";
import { NO_HEAD } from "../protocol/head.js";
import { Op } from "../protocol/op.js";
import type { Publish } from "../shard/command.js";
import { countMessages, type DecoderLimits } from "./decoder-limits.js";
import type { HeadReader } from "./head-reader.js";

export class PublishDecoder {
  readonly #limits: DecoderLimits;
  readonly #head: HeadReader;
  readonly #onCommand: (command: Publish) => void;
  /** The one publish command; its head is that of `#headBytes`. */
  readonly #publish: Publish;
  #headBytes: Uint8Array = NO_HEAD;
  #copy = new Uint8Array(64 * 1024);
  #copyView = new DataView(this.#copy.buffer);

  constructor(limits: DecoderLimits, head: HeadReader, onCommand: (command: Publish) => void) {
    this.#limits = limits;
    this.#head = head;
    this.#onCommand = onCommand;
    this.#publish = {
      op: "publish",
      connection: 0,
      request: 0,
      requests: 1,
      count: 0,
      topic: "",
      routeKey: "",
      delay: 0,
      ttl: 0,
      bytes: this.#copy,
      view: this.#copyView,
      start: 0,
      end: 0,
    };
  }

  /** Publishes the frame at `at`, and those behind it that merge with it. Answers where the next frame begins. */
  decode(connection: number, bytes: Uint8Array, view: DataView, at: number, end: number): number {
    const c = this.#publish;
    const stop = at + frame.LENGTH_BYTES + view.getUint32(at);
    const request = view.getUint32(at + frame.REQUEST);
    const payload = at + frame.HEAD + view.getUint16(at + frame.HEAD_LENGTH);
    this.#readPublishHead(bytes, view, at + frame.HEAD, payload);
    c.connection = connection;
    c.request = request;
    c.requests = 1;
    if (stop < end && this.#isSingle(view, payload, stop) && this.#follows(bytes, view, stop, request + 1)) {
      return this.#publishMerged(bytes, at, payload - at, end);
    }
    c.count = countMessages(this.#limits, view, payload, stop);
    c.bytes = bytes;
    c.view = view;
    c.start = payload;
    c.end = stop;
    this.#onCommand(c);
    return stop;
  }

  /** Pushes the entries of consecutive single publishes together. `lead`: bytes from a frame to its payload. */
  #publishMerged(bytes: Uint8Array, at: number, lead: number, end: number): number {
    const c = this.#publish;
    const length = end - at;
    if (length > this.#copy.length) {
      this.#copy = new Uint8Array(2 ** Math.ceil(Math.log2(length)));
      this.#copyView = new DataView(this.#copy.buffer);
    }
    const copy = this.#copy;
    const view = this.#copyView;
    copy.set(bytes.subarray(at, end));
    let from = 0;
    let to = lead;
    let requests = 0;
    do {
      const stop = from + frame.LENGTH_BYTES + view.getUint32(from);
      const payload = from + lead;
      // The entries move towards the front, over heads that have been read.
      if (requests > 0) copy.copyWithin(to, payload, stop);
      to += stop - payload;
      from = stop;
      requests++;
    } while (
      from < length &&
      requests < this.#limits.maxBatchMessages &&
      this.#follows(copy, view, from, c.request + requests) &&
      this.#isSingle(view, from + lead, from + frame.LENGTH_BYTES + view.getUint32(from))
    );
    c.requests = requests;
    c.count = requests;
    c.bytes = copy;
    c.view = view;
    c.start = lead;
    c.end = to;
    this.#onCommand(c);
    return at + from;
  }

  /** Whether the frame at `at` publishes with the same head under the request that comes next. */
  #follows(bytes: Uint8Array, view: DataView, at: number, request: number): boolean {
    if (view.getUint8(at + frame.OP) !== Op.PUBLISH || view.getUint32(at + frame.REQUEST) !== request) return false;
    return this.#isSameHead(bytes, at + frame.HEAD, view.getUint16(at + frame.HEAD_LENGTH));
  }

  /** Whether a payload is one valid entry without headers: what may be merged without another look. */
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

  #readPublishHead(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.#headBytes.length > 0 && this.#isSameHead(bytes, start, end - start)) return;
    this.#headBytes = NO_HEAD;
    const head = this.#head;
    head.begin(bytes, view, start, end);
    const c = this.#publish;
    c.topic = head.name("topic");
    c.routeKey = head.key("route key");
    c.delay = head.duration("delay");
    c.ttl = head.duration("ttl");
    head.end();
    // Not `slice`: that of a Buffer is no copy.
    this.#headBytes = new Uint8Array(bytes.subarray(start, end));
  }
}
