/**
 * Decodes frames into commands for the shard.
 *
 * Two things make publishing one message a frame cheap. A head that repeats the one before is not decoded again; and
 * consecutive requests that publish one message each with the same head become one command: their bytes are copied out
 * of the ring in one go, and the entries are then pushed together inside that copy.
 */
import { countEntries, EntriesFault, SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import { ProtocolError } from "../protocol/errors.js";
import * as frame from "../protocol/frame.js";
import { NO_HEAD } from "../protocol/head.js";
import { SEQUENCES } from "../protocol/id.js";
import { DEFAULT_POP_BYTES, MAX_BROWSE, MAX_POP_WAIT, MAX_SELECTED } from "../protocol/limits.js";
import { Op, RENEW } from "../protocol/op.js";
import { roomOf } from "../protocol/run.js";
import { COUNT, FIRST_ID_LOW, SELECTION_BYTES } from "../protocol/selection.js";
import type { Command, Publish, QueueCommand } from "../shard/command.js";
import { HeadReader } from "./head-reader.js";
import { Pulse } from "./pulse.js";

export interface DecoderLimits {
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
  readonly maxBatchMessages: number;
  readonly maxNameBytes: number;
}

const MAX_U32 = 0xffff_ffff;

const QUEUE_OPS = new Map<number, QueueCommand["op"]>([
  [Op.DECLARE_QUEUE, "declareQueue"],
  [Op.DELETE_QUEUE, "deleteQueue"],
  [Op.PAUSE, "pause"],
  [Op.RESUME, "resume"],
]);

export class CommandDecoder {
  readonly #head: HeadReader;
  /** What an answer may gather. */
  readonly #room: ReturnType<typeof roomOf>;
  /** The one publish command; its head is that of `#headBytes`. */
  readonly #publish: Publish;
  #headBytes: Uint8Array = NO_HEAD;
  #isStopped = false;
  #isHeld = false;
  #copy = new Uint8Array(64 * 1024);
  #copyView = new DataView(this.#copy.buffer);

  constructor(
    readonly limits: DecoderLimits,
    readonly onCommand: (command: Command) => void,
    /** A frame that makes no command: what to answer. */
    readonly onError: (connection: number, request: number, error: ProtocolError) => void,
    readonly pulse = new Pulse(),
  ) {
    this.#head = new HeadReader(limits.maxNameBytes);
    this.#room = roomOf(limits.maxFrameBytes);
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

  /** Has `decode` end behind the frame that it is at. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Has `decode` end in front of the command that it is at: it is to come again. */
  hold(): void {
    this.#isHeld = true;
  }

  /**
   * Decodes the whole frames in [start, end), whose lengths the main thread has checked. Answers how far it came: to the
   * end, unless it was stopped or held.
   */
  decode(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): number {
    let at = start;
    this.#isStopped = false;
    this.#isHeld = false;
    while (at < end && !this.#isStopped) {
      const begin = at;
      const stop = at + frame.LENGTH_BYTES + view.getUint32(at);
      const request = view.getUint32(at + frame.REQUEST);
      const op = view.getUint8(at + frame.OP);
      this.pulse.carriesOut(op, connection);
      try {
        if (op === Op.PUBLISH) {
          at = this.#publishFrom(connection, request, bytes, view, at, stop, end);
        } else {
          this.onCommand(this.#command(connection, request, bytes, view, at, stop));
          at = stop;
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        if (request !== 0) this.onError(connection, request, error);
        at = stop;
      }
      if (this.#isHeld) return begin;
    }
    return at;
  }

  /** Publishes the frame at `at`, and those behind it that merge with it. Answers where the next frame begins. */
  #publishFrom(
    connection: number,
    request: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    stop: number,
    end: number,
  ): number {
    const c = this.#publish;
    const payload = at + frame.HEAD + view.getUint16(at + frame.HEAD_LENGTH);
    this.#readPublishHead(bytes, view, at + frame.HEAD, payload);
    c.connection = connection;
    c.request = request;
    c.requests = 1;
    if (stop < end && this.#isSingle(view, payload, stop) && this.#follows(bytes, view, stop, request + 1)) {
      return this.#publishMerged(bytes, at, payload - at, end);
    }
    c.count = this.#count(view, payload, stop);
    c.bytes = bytes;
    c.view = view;
    c.start = payload;
    c.end = stop;
    this.onCommand(c);
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
      requests < this.limits.maxBatchMessages &&
      this.#follows(copy, view, from, c.request + requests) &&
      this.#isSingle(view, from + lead, from + frame.LENGTH_BYTES + view.getUint32(from))
    );
    c.requests = requests;
    c.count = requests;
    c.bytes = copy;
    c.view = view;
    c.start = lead;
    c.end = to;
    this.onCommand(c);
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
    return word <= SIZE_MASK && word === stop - start - WORD_BYTES && word <= this.limits.maxMessageBytes;
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

  /** How many entries a payload has. Throws BAD_PAYLOAD, MESSAGE_TOO_LARGE, TOO_MANY_MESSAGES. */
  #count(view: DataView, start: number, end: number): number {
    const { maxMessageBytes, maxBatchMessages } = this.limits;
    const count = countEntries(view, start, end, maxMessageBytes, maxBatchMessages);
    if (count > 0) return count;
    if (count === EntriesFault.TOO_LARGE) {
      throw new ProtocolError("MESSAGE_TOO_LARGE", `a message may have ${maxMessageBytes} bytes`);
    }
    if (count === EntriesFault.TOO_MANY) {
      throw new ProtocolError("TOO_MANY_MESSAGES", `a batch may have ${maxBatchMessages} messages`);
    }
    throw new ProtocolError("BAD_PAYLOAD", "the payload is not one or more entries");
  }

  /** How many messages a request wants; an answer has no more than a frame has room for. */
  #max(head: HeadReader, fallback: number, most: number): number {
    return Math.min(head.integer("max", fallback, 1, most), this.#room.messages);
  }

  #maxBytes(head: HeadReader): number {
    return Math.min(head.integer("max bytes", DEFAULT_POP_BYTES, 1, MAX_U32), this.#room.bytes);
  }

  #checkSelections(view: DataView, start: number, end: number): void {
    if ((end - start) % SELECTION_BYTES !== 0) {
      throw new ProtocolError("BAD_PAYLOAD", `the payload is not selections of ${SELECTION_BYTES} bytes`);
    }
    let selected = 0;
    for (let at = start; at < end; at += SELECTION_BYTES) {
      const count = view.getUint32(at + COUNT);
      const sequence = view.getUint32(at + FIRST_ID_LOW) & (SEQUENCES - 1);
      if (count === 0 || sequence + count > SEQUENCES) {
        throw new ProtocolError("BAD_PAYLOAD", `a selection has 1 to ${SEQUENCES} ids of one millisecond`);
      }
      selected += count;
    }
    if (selected > MAX_SELECTED) {
      throw new ProtocolError("TOO_MANY_MESSAGES", `a request may select ${MAX_SELECTED} messages`);
    }
  }

  #command(connection: number, request: number, bytes: Uint8Array, view: DataView, at: number, end: number): Command {
    const op = view.getUint8(at + frame.OP);
    const flags = view.getUint8(at + frame.FLAGS);
    const start = at + frame.HEAD + view.getUint16(at + frame.HEAD_LENGTH);
    const head = this.#head;
    head.begin(bytes, view, at + frame.HEAD, start);
    const command = this.#read(op, flags, connection, request, head, { bytes, view, start, end });
    head.end();
    if (start < end && !("start" in command)) {
      throw new ProtocolError("BAD_PAYLOAD", "the request takes no payload");
    }
    return command;
  }

  #read(
    op: number,
    flags: number,
    connection: number,
    request: number,
    head: HeadReader,
    slice: { bytes: Uint8Array; view: DataView; start: number; end: number },
  ): Command {
    const selections = (): typeof slice => {
      this.#checkSelections(slice.view, slice.start, slice.end);
      return slice;
    };
    const to = { connection, request };
    switch (op) {
      case Op.POP:
        return {
          op: "pop",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          max: this.#max(head, 1, MAX_U32),
          wait: head.integer("wait", 0, 0, MAX_POP_WAIT),
          maxBytes: this.#maxBytes(head),
        };
      case Op.CONSUME:
        return {
          op: "consume",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          credit: head.integer("credit", 0, 0, MAX_U32),
          renew: (flags & RENEW) !== 0,
        };
      case Op.CREDIT:
        return {
          op: "credit",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          consumer: head.integer("consumer", 0, 1, MAX_U32),
          credit: head.integer("credit", 0, 1, MAX_U32),
        };
      case Op.STOP:
        return {
          op: "stop",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          consumer: head.integer("consumer", 0, 1, MAX_U32),
        };
      case Op.ACK:
        return { op: "ack", ...to, topic: head.name("topic"), queue: head.queue(), ...selections() };
      case Op.NACK:
        return {
          op: "nack",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          delay: head.duration("delay"),
          reject: head.boolean("reject"),
          ...selections(),
        };
      case Op.TOUCH:
        return {
          op: "touch",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          ttr: head.duration("ttr"),
          ...selections(),
        };
      case Op.CANCEL:
        return { op: "cancel", ...to, topic: head.name("topic"), queue: head.queueOrAll(), ...selections() };
      case Op.RESCHEDULE:
        return {
          op: "reschedule",
          ...to,
          topic: head.name("topic"),
          queue: head.queueOrAll(),
          delay: head.duration("delay"),
          ...selections(),
        };
      case Op.POP_DEAD:
        return {
          op: "popDead",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          max: this.#max(head, 1, MAX_U32),
          maxBytes: this.#maxBytes(head),
        };
      case Op.REDRIVE:
        return { op: "redrive", ...to, topic: head.name("topic"), queue: head.queue(), ...selections() };
      case Op.CONFIGURE:
        return { op: "configure", ...to, topic: head.name("topic"), config: head.config() };
      case Op.DECLARE_QUEUE:
      case Op.DELETE_QUEUE:
      case Op.PAUSE:
      case Op.RESUME: {
        const known = QUEUE_OPS.get(op);
        if (known === undefined) break;
        return { op: known, ...to, topic: head.name("topic"), queue: head.queue() };
      }
      case Op.DELETE_TOPIC:
        return { op: "deleteTopic", ...to, topic: head.name("topic") };
      case Op.STATS:
        return { op: "stats", ...to, topic: head.name("topic") };
      case Op.PURGE:
        return {
          op: "purge",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          state: head.oneOf("state", ["ready", "delayed", "in-flight", "dead", "all"], "ready"),
        };
      case Op.BROWSE:
        return {
          op: "browse",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          state: head.oneOf("state", ["ready", "delayed", "in-flight", "dead"], "ready"),
          offset: head.integer("offset", 0, 0, MAX_U32),
          max: this.#max(head, 10, MAX_BROWSE),
          maxBytes: this.#maxBytes(head),
        };
      case Op.TOPICS:
        // The shard's number has routed the frame here.
        head.integer("shard", 0, 0, MAX_U32);
        return { op: "topics", ...to, after: head.key("after"), max: head.integer("max", 100, 1, MAX_BROWSE) };
      case Op.SUBSCRIBE:
        return {
          op: "subscribe",
          ...to,
          channel: head.name("channel"),
          overflow: head.oneOf("overflow", ["drop-oldest", "disconnect"], "drop-oldest"),
        };
      case Op.UNSUBSCRIBE:
        return { op: "unsubscribe", ...to, channel: head.name("channel") };
      case Op.PUBLISH_CHANNEL:
        return {
          op: "publishChannel",
          ...to,
          channel: head.name("channel"),
          count: this.#count(slice.view, slice.start, slice.end),
          ...slice,
        };
    }
    throw new ProtocolError("UNKNOWN_OP", `there is no request ${op}`);
  }
}
