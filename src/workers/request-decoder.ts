/** Decodes all requests but PUBLISH into commands. */
import { ProtocolError } from "../protocol/errors.js";
import { MAX_REASON_BYTES } from "../protocol/failure.js";
import { SEQUENCES } from "../protocol/id.js";
import { countKeys } from "../protocol/keys.js";
import {
  DEFAULT_PARTS,
  DEFAULT_POP_BYTES,
  MAX_BROWSE,
  MAX_NAMED_KEYS,
  MAX_PARTS,
  MAX_POP_WAIT,
  MAX_SELECTED,
} from "../protocol/limits.js";
import { AHEAD, BY_KEY, GIVE_BACK, Op, RENEW, REPORTS, WITH_FAILURES, WITH_HISTORY } from "../protocol/op.js";
import { roomOf } from "../protocol/run.js";
import { COUNT, DELIVERY, FIRST_ID_HIGH, FIRST_ID_LOW, SELECTION_BYTES } from "../protocol/selection.js";
import { OVERFLOWS } from "../protocol/subscribe-options.js";
import type { Command, Lookup, QueueCommand, Seen, Slice } from "../shard/command.js";
import { channelConfig, findConditions, subscribeOptions, topicConfig } from "./argument-maps.js";
import { countMessages, type DecoderLimits } from "./decoder-limits.js";
import type { FrameCursor } from "./frame-cursor.js";
import type { HeadReader } from "./head-reader.js";

const MAX_U32 = 0xffff_ffff;

/** What a CHANNEL_MESSAGES has beside its entries and the bytes of the name: the header, a position, an id. */
const CHANNEL_HEAD_BYTES = 40;

/** A cursor has no more bytes: of what is longer, the beginning is none. */
const MAX_CURSOR_BYTES = 128;

const QUEUE_OPS = new Map<number, QueueCommand["op"]>([
  [Op.DECLARE_QUEUE, "declareQueue"],
  [Op.DELETE_QUEUE, "deleteQueue"],
  [Op.PAUSE, "pause"],
  [Op.RESUME, "resume"],
]);

const slice = ({ bytes, view, payload, end }: FrameCursor): Slice => ({ bytes, view, start: payload, end });

/** Throws BAD_PAYLOAD, TOO_MANY_MESSAGES. */
const checkSelections = (view: DataView, start: number, end: number): void => {
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
};

const selections = (cursor: FrameCursor): Slice => {
  checkSelections(cursor.view, cursor.payload, cursor.end);
  return slice(cursor);
};

/** Keys, or selections. Throws BAD_PAYLOAD, TOO_MANY_MESSAGES. */
const named = (cursor: FrameCursor): Slice & { byKey: boolean } => {
  if ((cursor.flags & BY_KEY) === 0) return { ...selections(cursor), byKey: false };
  const keys = countKeys(cursor.view, cursor.payload, cursor.end, 1);
  if (keys < 1) throw new ProtocolError("BAD_PAYLOAD", "the payload is not one or more keys");
  if (keys > MAX_NAMED_KEYS) throw new ProtocolError("TOO_MANY_MESSAGES", `a request may name ${MAX_NAMED_KEYS} keys`);
  return { ...slice(cursor), byKey: true };
};

/** One key, or one selection of one message. Throws BAD_PAYLOAD. */
const oneNamed = (cursor: FrameCursor): Pick<Lookup, "key" | "idHigh" | "idLow"> => {
  const { bytes, view, payload, end } = cursor;
  const { byKey } = named(cursor);
  const isOne = byKey
    ? payload + 1 + view.getUint8(payload) === end
    : end - payload === SELECTION_BYTES && view.getUint32(payload + COUNT) === 1;
  if (!isOne) throw new ProtocolError("BAD_PAYLOAD", "a LOOKUP is of one message");
  // Not `slice`: that of a Buffer is not a copy.
  if (byKey) return { key: new Uint8Array(bytes.subarray(payload + 1, end)), idHigh: 0, idLow: 0 };
  return {
    key: undefined,
    idHigh: view.getUint32(payload + FIRST_ID_HIGH),
    idLow: view.getUint32(payload + FIRST_ID_LOW),
  };
};

export class RequestDecoder {
  readonly #head: HeadReader;
  readonly #limits: DecoderLimits;
  /** Messages and bytes that fit into an answer. */
  readonly #room: ReturnType<typeof roomOf>;

  constructor(limits: DecoderLimits, head: HeadReader) {
    this.#head = head;
    this.#limits = limits;
    this.#room = roomOf(limits.maxFrameBytes);
  }

  /** Decodes the frame at the cursor. Throws a `ProtocolError`. */
  decode(cursor: FrameCursor): Command {
    const head = this.#head;
    head.begin(cursor.bytes, cursor.view, cursor.head, cursor.payload);
    const command = this.#read(cursor);
    head.end();
    const hasPayload = "start" in command || command.op === "seen" || command.op === "lookup";
    if (cursor.payload < cursor.end && !hasPayload) {
      throw new ProtocolError("BAD_PAYLOAD", "the request takes no payload");
    }
    return command;
  }

  /** How many entries there are. They must fit into the frame that subscribers get, which has another head. */
  #channelMessages({ view, payload, end }: FrameCursor): number {
    const count = countMessages(this.#limits, view, payload, end);
    const { maxFrameBytes, maxNameBytes } = this.#limits;
    const room = maxFrameBytes - CHANNEL_HEAD_BYTES - maxNameBytes;
    if (end - payload <= room) return count;
    throw new ProtocolError(
      count === 1 ? "MESSAGE_TOO_LARGE" : "TOO_MANY_MESSAGES",
      `the messages of a frame for a channel may have ${room} bytes in all`,
    );
  }

  /** How many messages a request asks for, at most what fits into an answer. */
  #max(fallback: number, most: number): number {
    return Math.min(this.#head.integer("max", fallback, 1, most), this.#room.messages);
  }

  #maxBytes(): number {
    return Math.min(this.#head.integer("max bytes", DEFAULT_POP_BYTES, 1, MAX_U32), this.#room.bytes);
  }

  /** From when until when, where that is said. */
  #times(): { from: number | undefined; to: number | undefined } {
    const head = this.#head;
    const from = head.maybeTime("from");
    const to = head.maybeTime("to");
    if (from !== undefined && to !== undefined && to < from) throw new ProtocolError("BAD_HEAD", "to is before from");
    return { from, to };
  }

  #creditChange(): number {
    const credit = this.#head.integer("credit", 0, -MAX_U32, MAX_U32);
    if (credit === 0) throw new ProtocolError("BAD_HEAD", "a credit of 0 changes nothing");
    return credit;
  }

  /** Its payload is the last message that the program was handed, as a selection; or nothing. */
  #seen({ connection, request, flags, view, payload, end }: FrameCursor): Seen {
    const head = this.#head;
    if (end - payload > SELECTION_BYTES) throw new ProtocolError("BAD_PAYLOAD", "a SEEN takes one selection");
    checkSelections(view, payload, end);
    const isThere = end > payload;
    return {
      op: "seen",
      connection,
      request,
      topic: head.name("topic"),
      queue: head.queue(),
      consumer: head.integer("consumer", 0, 1, MAX_U32),
      delivery: isThere ? view.getUint32(payload + DELIVERY) : 0,
      idLow: isThere ? (view.getUint32(payload + FIRST_ID_LOW) + view.getUint32(payload + COUNT) - 1) >>> 0 : 0,
      renews: (flags & AHEAD) !== 0,
    };
  }

  /** Of those that are named only dead letters are dropped. */
  #purge(cursor: FrameCursor): Command {
    const head = this.#head;
    const { connection, request } = cursor;
    const to = { connection, request, topic: head.name("topic"), queue: head.queue() };
    const state = head.oneOf("state", ["ready", "delayed", "in-flight", "dead", "all"], "ready");
    if (cursor.payload === cursor.end) return { op: "purge", ...to, state };
    if (state !== "dead") throw new ProtocolError("BAD_HEAD", "of those that are named, only dead letters are purged");
    return { op: "dropDead", ...to, ...selections(cursor) };
  }

  #read(cursor: FrameCursor): Command {
    const head = this.#head;
    const to = { connection: cursor.connection, request: cursor.request };
    switch (cursor.op) {
      case Op.POP:
        return {
          op: "pop",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          max: this.#max(1, MAX_U32),
          wait: head.integer("wait", 0, 0, MAX_POP_WAIT),
          maxBytes: this.#maxBytes(),
        };
      case Op.CONSUME:
        return {
          op: "consume",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          credit: head.integer("credit", 0, 0, MAX_U32),
          renew: (cursor.flags & RENEW) !== 0,
          reports: (cursor.flags & REPORTS) !== 0,
        };
      case Op.CREDIT:
        return {
          op: "credit",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          consumer: head.integer("consumer", 0, 1, MAX_U32),
          credit: this.#creditChange(),
        };
      case Op.SEEN:
        return this.#seen(cursor);
      case Op.ANSWERED:
        return {
          op: "answered",
          ...to,
          topic: head.name("topic"),
          producer: head.key("producer"),
          answered: head.integer("answered", 0, 0, Number.MAX_SAFE_INTEGER),
        };
      case Op.STOP:
        return {
          op: "stop",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          consumer: head.integer("consumer", 0, 1, MAX_U32),
          givesBack: (cursor.flags & GIVE_BACK) !== 0,
        };
      case Op.ACK:
        return { op: "ack", ...to, topic: head.name("topic"), queue: head.queue(), ...selections(cursor) };
      case Op.NACK:
        return {
          op: "nack",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          delay: head.maybeDuration("delay"),
          reject: head.boolean("reject"),
          reason: head.text("reason", MAX_REASON_BYTES),
          ...selections(cursor),
        };
      case Op.RELEASE:
        return { op: "release", ...to, topic: head.name("topic"), queue: head.queue(), ...selections(cursor) };
      case Op.TOUCH:
        return {
          op: "touch",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          ttr: head.duration("ttr"),
          ...selections(cursor),
        };
      case Op.CANCEL:
        return { op: "cancel", ...to, topic: head.name("topic"), queue: head.queueOrAll(), ...named(cursor) };
      case Op.RESCHEDULE:
        return {
          op: "reschedule",
          ...to,
          topic: head.name("topic"),
          queue: head.queueOrAll(),
          delay: head.duration("delay"),
          ...named(cursor),
        };
      case Op.LOOKUP:
        return {
          op: "lookup",
          ...to,
          topic: head.name("topic"),
          withHistory: (cursor.flags & WITH_HISTORY) !== 0,
          ...oneNamed(cursor),
        };
      case Op.POP_DEAD:
        return {
          op: "popDead",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          max: this.#max(1, MAX_U32),
          maxBytes: this.#maxBytes(),
          withFailures: (cursor.flags & WITH_FAILURES) !== 0,
        };
      case Op.REDRIVE:
        return { op: "redrive", ...to, topic: head.name("topic"), queue: head.queue(), ...selections(cursor) };
      case Op.CONFIGURE:
        return { op: "configure", ...to, topic: head.name("topic"), config: topicConfig(head.config()) };
      case Op.DECLARE_QUEUE:
      case Op.DELETE_QUEUE:
      case Op.PAUSE:
      case Op.RESUME: {
        const known = QUEUE_OPS.get(cursor.op);
        if (known === undefined) break;
        return { op: known, ...to, topic: head.name("topic"), queue: head.queue() };
      }
      case Op.DELETE_TOPIC:
        return { op: "deleteTopic", ...to, topic: head.name("topic") };
      case Op.STATS:
        return { op: "stats", ...to, topic: head.name("topic") };
      case Op.PURGE:
        return this.#purge(cursor);
      case Op.BROWSE:
        return {
          op: "browse",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          state: head.oneOf("state", ["ready", "delayed", "in-flight", "dead"], "ready"),
          offset: head.integer("offset", 0, 0, MAX_U32),
          max: this.#max(10, MAX_BROWSE),
          maxBytes: this.#maxBytes(),
          withFailures: (cursor.flags & WITH_FAILURES) !== 0,
        };
      case Op.FIND:
        return {
          op: "find",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          state: head.oneOf("state", ["ready", "delayed", "in-flight", "dead", "all"], "all"),
          max: this.#max(100, MAX_BROWSE),
          maxBytes: this.#maxBytes(),
          after: head.text("after", MAX_CURSOR_BYTES),
          conditions: findConditions(head.map("conditions")),
          withFailures: (cursor.flags & WITH_FAILURES) !== 0,
        };
      case Op.DELAYED:
        return {
          op: "delayed",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          buckets: head.integer("buckets", DEFAULT_PARTS, 1, MAX_PARTS),
          ...this.#times(),
        };
      case Op.DEAD_GROUPS:
        return {
          op: "deadGroups",
          ...to,
          topic: head.name("topic"),
          queue: head.queue(),
          max: head.integer("max", 100, 1, MAX_BROWSE),
        };
      case Op.TOPICS:
        // The shard's number has routed the frame here.
        head.integer("shard", 0, 0, MAX_U32);
        return { op: "topics", ...to, after: head.key("after"), max: head.integer("max", 100, 1, MAX_BROWSE) };
      case Op.EXPLAIN:
        return {
          op: "explain",
          ...to,
          topic: head.name("topic"),
          queue: head.queueOrAll(),
          routeKey: head.keyOrNone("route key"),
        };
      case Op.CONSUMERS:
        head.integer("shard", 0, 0, MAX_U32);
        return {
          op: "consumers",
          ...to,
          after: head.integer("after", 0, 0, MAX_U32),
          max: head.integer("max", 100, 1, MAX_BROWSE),
        };
      case Op.SUBSCRIBE: {
        const channel = head.name("channel");
        const overflow = head.oneOf("overflow", OVERFLOWS, "drop-oldest");
        const options = head.map("options");
        const subscribe = { op: "subscribe", ...to, channel, overflow } as const;
        return options === undefined ? subscribe : { ...subscribe, options: subscribeOptions(options) };
      }
      case Op.UNSUBSCRIBE:
        return { op: "unsubscribe", ...to, channel: head.name("channel") };
      case Op.PUBLISH_CHANNEL:
        return {
          op: "publishChannel",
          ...to,
          channel: head.name("channel"),
          key: head.key("key"),
          count: this.#channelMessages(cursor),
          ...slice(cursor),
        };
      case Op.CHANNEL_CREDIT:
        return {
          op: "channelCredit",
          ...to,
          channel: head.name("channel"),
          credit: head.integer("credit", 0, 1, MAX_U32),
        };
      case Op.CONFIGURE_CHANNEL:
        return { op: "configureChannel", ...to, channel: head.name("channel"), config: channelConfig(head.config()) };
      case Op.DELETE_CHANNEL:
        return { op: "deleteChannel", ...to, channel: head.name("channel") };
      case Op.CHANNEL_STATS:
        return { op: "channelStats", ...to, channel: head.name("channel") };
      case Op.CHANNELS:
        head.integer("shard", 0, 0, MAX_U32);
        return { op: "channels", ...to, after: head.key("after"), max: head.integer("max", 100, 1, MAX_BROWSE) };
    }
    throw new ProtocolError("UNKNOWN_OP", `there is no request ${cursor.op}`);
  }
}
