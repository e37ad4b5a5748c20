/**
 * The messages of one connection's subscription on their way to its stream. It drops nothing: what is not taken counts as
 * not read by the connection, so that the broker holds its shards back, whose policy decides what is lost.
 */
import type { RingmqError } from "../../client/base/error.js";
import type { ChannelSink } from "../../client/connection/sinks.js";
import { compactCopy } from "../../client/messages/compact-copy.js";
import { Fifo } from "../../collections/fifo.js";
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { unpackHead } from "../../protocol/head.js";
import { formatId } from "../../protocol/id.js";
import type { ChannelMessage, Feed, Refusal, SubscribeOptions, SubscriptionStart } from "../channels.js";

/** The entries of one frame that are not taken. */
interface FrameRest {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  readonly end: number;
  /** Of its next message. Undefined: the broker does not say. */
  position: number | undefined;
  idHigh: number;
  idLow: number;
  /** Messages lost right before its next one. */
  lost: number;
}

export interface FeedEvents {
  /** Bytes that were put aside are dealt with. */
  settle(bytes: number): void;
  /** The connection is to end. */
  leave(): void;
  /** The channel's shard was restarted, and knows nothing of the subscription. */
  interrupted(error: RingmqError): void;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Of the message behind a frame. */
const positionBehind = ({ view, at, end, position }: FrameRest): number | undefined => {
  let count = 0;
  for (let entry = at; entry < end; entry += WORD_BYTES + (view.getUint32(entry) & SIZE_MASK)) count++;
  return position === undefined ? undefined : position + count;
};

const numberOr = <T>(value: unknown, otherwise: T): number | T => (typeof value === "number" ? value : otherwise);

export const refusalOf = ({ code, message }: RingmqError): Refusal => ({ code, text: message });

export class ChannelFeed implements ChannelSink, Feed {
  start: SubscriptionStart = {};
  onReady: () => void = () => {};
  /** Bytes put aside so far, whether they have been taken or not. */
  kept = 0;
  /** The number of the SUBSCRIBE. */
  request = 0;
  readonly #events: FeedEvents;
  readonly #frames = new Fifo<FrameRest>();
  /** Of the message behind those that were taken. */
  #position: number | undefined;
  #lost = 0;
  #end: Refusal | undefined;
  #isClosed = false;

  constructor(events: FeedEvents) {
    this.#events = events;
  }

  /** Nobody waits for more, or nothing more comes. */
  get isOver(): boolean {
    return this.#end !== undefined || this.#isClosed;
  }

  /** Where a subscription goes on behind all that has come. */
  get place(): Pick<SubscribeOptions, "position" | "epoch"> {
    const { epoch } = this.start;
    const last = this.#frames.at(this.#frames.length - 1);
    const position = last === undefined ? this.#position : positionBehind(last);
    if (epoch === undefined || position === undefined) return {};
    return { epoch, position: position + this.#lost };
  }

  /** What comes from now on is of this subscription: the first, or one that goes on. */
  begin(start: SubscriptionStart): void {
    this.start = start;
    if (this.#frames.length === 0) this.#position = start.position;
    this.#lost += start.lost ?? 0;
  }

  get end(): Refusal | undefined {
    return this.#frames.length === 0 ? this.#end : undefined;
  }

  take(): ChannelMessage | undefined {
    const frame = this.#frames.at(0);
    if (frame === undefined) return undefined;
    const { bytes, view, at, lost, position, idHigh, idLow } = frame;
    const word = view.getUint32(at);
    const end = at + WORD_BYTES + (word & SIZE_MASK);
    let body = at + WORD_BYTES;
    // memmq has no headers.
    if (word >= HAS_HEADERS) body += HEADERS_LENGTH_BYTES + view.getUint16(body);
    frame.at = end;
    frame.lost = 0;
    if (position !== undefined) {
      frame.position = position + 1;
      this.#position = position + 1;
    }
    frame.idLow = (idLow + 1) >>> 0;
    if (end >= frame.end) this.#frames.shift();
    const id = idHigh === 0 && idLow === 0 ? undefined : formatId(idHigh, idLow);
    return { payload: bytes.subarray(body, end), position, id, lost, size: end - at };
  }

  done(size: number): void {
    this.#events.settle(size);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#frames.clear();
    this.#events.leave();
  }

  // ChannelSink

  messages(bytes: Uint8Array, _view: DataView, head: number, start: number, end: number): void {
    if (this.isOver) return;
    const [, position, idHigh, idLow] = unpackHead(bytes, head, start);
    const own = compactCopy(bytes, start, end, this.#frames.length);
    const from = own ?? bytes.subarray(start, end);
    this.#frames.push({
      bytes: from,
      view: viewOf(from),
      at: 0,
      end: end - start,
      position: numberOr(position, undefined),
      idHigh: numberOr(idHigh, 0),
      idLow: numberOr(idLow, 0),
      lost: this.#lost,
    });
    this.#lost = 0;
    this.kept += end - start;
    this.onReady();
  }

  /** Its connection is not made again. */
  lost(): void {}

  dropped(_channel: string, count: number): void {
    this.#lost += count;
  }

  /** The channel's shard has ended the subscription. */
  closed(request: number, error: RingmqError): void {
    if (request !== this.request) return;
    if (error.code === "SHARD_RESTARTED") this.#events.interrupted(error);
    else this.#ended(refusalOf(error));
  }

  /** It does not go on. */
  refused(error: RingmqError): void {
    this.#ended(refusalOf(error));
  }

  holds(request: number): boolean {
    return request === this.request;
  }

  ended(error: RingmqError | undefined): void {
    this.#ended(error === undefined ? { code: "CLIENT_CLOSED", text: "the subscription was ended" } : refusalOf(error));
  }

  #ended(refusal: Refusal): void {
    if (this.isOver) return;
    this.#end = refusal;
    // Who was cut off for not reading has no use for the rest, and it would stay here for as long as it does not read.
    if (refusal.code === "CONNECTION_CLOSED" || refusal.code === "SLOW_SUBSCRIBER") this.#frames.clear();
    this.onReady();
  }
}
