/**
 * What of one connection is part of traces: the publishes that are not confirmed, and who takes messages.
 *
 * A frame that publishes has a span for each part of a trace that its messages are of, from when it came to when it is
 * answered; a run of messages that is handed out has one from then to when it is settled. What nobody wants to see costs a look
 * for `traceparent` in the bytes.
 */

import { errorName, ProtocolError } from "../../protocol/errors.js";
import { FLAGS, HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../../protocol/frame.js";
import { unpackHead, unpackResult } from "../../protocol/head.js";
import { formatId } from "../../protocol/id.js";
import { DEFAULT_KEY, MAX_NAME_BYTES } from "../../protocol/limits.js";
import { AHEAD, Answer, Op } from "../../protocol/op.js";
import { readRuns } from "../../protocol/run.js";
import {
  COUNT,
  DELIVERY,
  FIRST_ID_HIGH,
  FIRST_ID_LOW,
  RECEIPT_BYTES,
  RECEIPT_ID_HIGH,
  RECEIPT_ID_LOW,
  RECEIPT_REQUEST,
  RECEIPT_REQUESTS,
  SELECTION_BYTES,
} from "../../protocol/selection.js";
import { entriesOf } from "../native/published-messages.js";
import type { Outcome, Taker } from "./deliveries.js";
import { Attribute, type OpenSpan, type SpanError, type TraceContext } from "./spans.js";
import { eachContext, mayHaveContexts } from "./trace-context.js";
import type { Tracing } from "./tracing.js";

/** Parts of traces that one frame has spans for; its other messages are not part of any. */
const MAX_OF_FRAME = 64;

/** Consumers that have stopped and hold nothing are forgotten when there are as many, and not one by one. */
const MAX_STOPPED = 64;

/** A publish that is not answered. */
interface Publish {
  readonly shard: number;
  readonly spans: { readonly span: OpenSpan; readonly first: number; readonly count: number }[];
}

const SETTLES: Readonly<Record<number, Outcome>> = {
  [Op.ACK]: "acked",
  [Op.NACK]: "nacked",
  [Op.RELEASE]: "released",
};

/** What no shard has looked at yet may be longer than a name, or none. */
const nameOf = (value: unknown): string => String(value).slice(0, MAX_NAME_BYTES);

export class ConnectionTrace {
  readonly #tracing: Tracing;
  readonly #client: string;
  /** By request. */
  readonly #publishes = new Map<number, Publish>();
  /** By the request of a CONSUME or a pop. */
  readonly #takers = new Map<number, Taker>();
  /** How many of them have been stopped since those were forgotten that hold nothing. */
  #stopped = 0;

  /** @param client who is at the other end */
  constructor(tracing: Tracing, client: string) {
    this.#tracing = tracing;
    this.#client = client;
  }

  /** Whole frames in [start, end) are on their way to a shard. They have not been judged. */
  sent(shard: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const next = at + LENGTH_BYTES + view.getUint32(at);
      try {
        this.#look(shard, bytes, view, at, next);
      } catch (error) {
        // The shard will refuse what cannot be read.
        if (!(error instanceof ProtocolError || error instanceof RangeError)) throw error;
      }
      at = next;
    }
  }

  /** Whole frames in [start, end) have come from a shard. */
  answered(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const next = at + LENGTH_BYTES + view.getUint32(at);
      const head = at + HEAD;
      const payload = head + view.getUint16(at + HEAD_LENGTH);
      const request = view.getUint32(at + REQUEST);
      switch (view.getUint8(at + OP)) {
        case Answer.CONFIRM:
          if (this.#publishes.size > 0) this.#confirmed(view, payload, next);
          break;
        case Answer.MESSAGES:
          this.#handedOut(request, bytes, view, payload, next);
          break;
        case Answer.ERROR:
          this.#takers.delete(request);
          if (this.#publishes.has(request)) this.#refused(request, unpackHead(bytes, head, payload));
          break;
        case Answer.RESULT:
          this.#told(request, bytes, payload, next);
          break;
        case Answer.CONSUMER_CLOSED: {
          const taker = this.#takers.get(request);
          if (taker !== undefined) this.#gone(request, taker);
          break;
        }
        default:
      }
      at = next;
    }
  }

  /** The shard has lost its state. */
  shardLost(shard: number, error: SpanError): void {
    for (const [request, publish] of this.#publishes) if (publish.shard === shard) this.#fail(request, error);
    for (const [request, taker] of this.#takers) if (taker.shard === shard) this.#gone(request, taker);
  }

  /** Nothing more is heard of it. */
  closed(): void {
    const error = { type: "connection_closed", text: "the connection has closed before the answer came" };
    for (const request of [...this.#publishes.keys()]) this.#fail(request, error);
    this.#tracing.deliveries.leave(new Set(this.#takers.values()));
    this.#takers.clear();
  }

  #look(shard: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const op = view.getUint8(start + OP);
    const head = start + HEAD;
    const payload = head + view.getUint16(start + HEAD_LENGTH);
    const request = view.getUint32(start + REQUEST);
    switch (op) {
      case Op.PUBLISH:
        return this.#publish(shard, request, "topic", bytes, view, head, payload, end);
      case Op.PUBLISH_CHANNEL:
        return this.#publish(shard, request, "channel", bytes, view, head, payload, end);
      case Op.CONSUME:
      case Op.POP:
      case Op.POP_DEAD:
        return this.#take(request, shard, op !== Op.CONSUME, unpackHead(bytes, head, payload));
      case Op.STOP:
        return this.#stop(unpackHead(bytes, head, payload));
      case Op.SEEN:
        if (this.#tracing.deliveries.size === 0) return;
        return this.#seen(view.getUint8(start + FLAGS), unpackHead(bytes, head, payload), view, payload, end);
      case Op.ACK:
      case Op.NACK:
      case Op.RELEASE:
      case Op.TOUCH:
        if (this.#tracing.deliveries.size === 0) return;
        return this.#settle(op, op === Op.TOUCH ? unpackHead(bytes, head, payload) : [], view, payload, end);
      default:
    }
  }

  #take(request: number, shard: number, isPop: boolean, [topic, queue]: readonly unknown[]): void {
    this.#takers.set(request, {
      topic: nameOf(topic),
      queue: nameOf(queue ?? DEFAULT_KEY),
      shard,
      isPop,
      acksBySeen: false,
      isStopped: false,
      held: 0,
    });
  }

  /** Messages that are under way still come, and those that it holds may be settled. */
  #stop([, , consumer]: readonly unknown[]): void {
    const taker = this.#takers.get(Number(consumer));
    if (taker === undefined || taker.isStopped) return;
    taker.isStopped = true;
    this.#stopped++;
    if (this.#stopped < MAX_STOPPED) return;
    this.#stopped = 0;
    for (const [request, { isStopped, held }] of this.#takers)
      if (isStopped && held === 0) this.#takers.delete(request);
  }

  #publish(
    shard: number,
    request: number,
    kind: "topic" | "channel",
    bytes: Uint8Array,
    view: DataView,
    head: number,
    payload: number,
    end: number,
  ): void {
    const entries = kind === "topic" ? entriesOf(view, head, payload) : payload;
    if (entries > end || this.#tracing.isFull) return;
    let name: string | undefined;
    let publish: Publish | undefined;
    const begin = (context: TraceContext, first: number, count: number): boolean => {
      publish ??= { shard, spans: [] };
      name ??= nameOf(unpackHead(bytes, head, payload)[0]);
      const span = this.#tracing.publish(name, context, {
        [Attribute.KIND]: kind,
        [Attribute.MESSAGES]: count,
        [Attribute.CLIENT]: this.#client,
      });
      publish.spans.push({ span, first, count });
      return publish.spans.length < MAX_OF_FRAME && !this.#tracing.isFull;
    };
    eachContext(bytes, view, entries, end, begin);
    if (publish === undefined) return;
    // The window lets no second one of the number in.
    this.#publishes.set(request, publish);
  }

  #confirmed(view: DataView, start: number, end: number): void {
    for (let at = start; at + RECEIPT_BYTES <= end; at += RECEIPT_BYTES) {
      const first = view.getUint32(at + RECEIPT_REQUEST);
      const requests = view.getUint32(at + RECEIPT_REQUESTS);
      const high = view.getUint32(at + RECEIPT_ID_HIGH);
      const low = view.getUint32(at + RECEIPT_ID_LOW);
      for (let i = 0; i < requests; i++) {
        const publish = this.#publishes.get(first + i);
        if (publish === undefined) continue;
        this.#publishes.delete(first + i);
        const hasId = high !== 0 || low !== 0;
        for (const { span, first: behind } of publish.spans) {
          this.#tracing.end(span, hasId ? { [Attribute.MESSAGE_ID]: formatId(high, low + i + behind) } : {});
        }
      }
    }
  }

  #refused(request: number, [code, text]: readonly unknown[]): void {
    this.#fail(request, { type: errorName(Number(code)) ?? String(code), text: String(text) });
  }

  /** A RESULT answers a CONSUME with reports, and a PUBLISH whose messages have had different fates. */
  #told(request: number, bytes: Uint8Array, start: number, end: number): void {
    const taker = this.#takers.get(request);
    if (taker !== undefined) {
      const [told] = unpackResult(bytes, start, end);
      taker.acksBySeen = (Object(told) as { readonly autoAck?: unknown }).autoAck === true;
      return;
    }
    const publish = this.#publishes.get(request);
    if (publish === undefined) return;
    this.#publishes.delete(request);
    for (const { span } of publish.spans) this.#tracing.end(span, {});
  }

  #gone(request: number, taker: Taker): void {
    this.#takers.delete(request);
    this.#tracing.deliveries.leave(new Set([taker]));
  }

  #fail(request: number, error: SpanError): void {
    const publish = this.#publishes.get(request);
    if (publish === undefined) return;
    this.#publishes.delete(request);
    for (const { span } of publish.spans) this.#tracing.end(span, { [Attribute.ERROR]: error.type }, error);
  }

  #handedOut(request: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const taker = this.#takers.get(request);
    // A look.
    if (taker === undefined) return;
    if (taker.isPop) this.#takers.delete(request);
    if (!mayHaveContexts(bytes, start, end)) return;
    const { deliveries } = this.#tracing;
    const now = this.#tracing.now();
    let left = MAX_OF_FRAME;
    for (const { idHigh, idLow, delivery, retry, time, start: from, end: to } of readRuns(view, start, end)) {
      if (left === 0) return;
      eachContext(bytes, view, from, to, (context, first, count) => {
        if (deliveries.isFull) return false;
        const span = this.#tracing.deliver(taker.topic, context, {
          [Attribute.KIND]: "topic",
          [Attribute.SUBSCRIPTION]: taker.queue,
          [Attribute.MESSAGE_ID]: formatId(idHigh, idLow + first),
          [Attribute.MESSAGES]: count,
          [Attribute.RETRY]: retry,
          [Attribute.CLIENT]: this.#client,
        });
        // Nobody has to ack it.
        if (time === 0) span.end({ [Attribute.OUTCOME]: "acked" });
        else {
          const ttr = Math.max(0, time - now);
          deliveries.add({ idHigh, idLow: idLow + first, count, number: delivery, ttr, taker, span }, time);
        }
        left--;
        return left > 0;
      });
    }
  }

  #settle(op: number, head: readonly unknown[], view: DataView, start: number, end: number): void {
    const { deliveries } = this.#tracing;
    const outcome = SETTLES[op];
    const ttr = typeof head[2] === "number" ? head[2] : undefined;
    const now = this.#tracing.now();
    for (let at = start; at + SELECTION_BYTES <= end; at += SELECTION_BYTES) {
      const high = view.getUint32(at + FIRST_ID_HIGH);
      const low = view.getUint32(at + FIRST_ID_LOW);
      const count = view.getUint32(at + COUNT);
      const delivery = view.getUint32(at + DELIVERY);
      if (outcome === undefined) deliveries.touch(high, low, count, delivery, now, ttr);
      else deliveries.settle(high, low, count, delivery, outcome);
    }
  }

  #seen(flags: number, head: readonly unknown[], view: DataView, start: number, end: number): void {
    const taker = this.#takers.get(Number(head[2]));
    const { deliveries } = this.#tracing;
    if (taker === undefined || taker.held === 0) return;
    if ((flags & AHEAD) !== 0) deliveries.renew(taker, this.#tracing.now());
    if (!taker.acksBySeen || end - start < SELECTION_BYTES) return;
    const last = view.getUint32(start + FIRST_ID_LOW) + view.getUint32(start + COUNT) - 1;
    deliveries.seen(taker, view.getUint32(start + FIRST_ID_HIGH), last, view.getUint32(start + DELIVERY));
  }
}
