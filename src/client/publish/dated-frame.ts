/**
 * A PUBLISH with a delay or a time to live, which run from the call on: it is sent again with what is left of them.
 */
import { FLAGS, HEAD, HEAD_LENGTH, OP, REQUEST } from "../../protocol/frame.js";
import { encodeFrame } from "../connection/chunk.js";
import { requestHead } from "../connection/request-head.js";

/** The elements of its head. */
export type PublishHead = readonly [
  topic: string,
  routeKey: string | undefined,
  delay: number | undefined,
  ttl: number | undefined,
  producer: string | undefined,
  keyWindow: number | undefined,
];

export class DatedFrame {
  readonly #head: PublishHead;
  readonly #since: number;

  /** `since`: when its messages were published, in milliseconds. */
  constructor(head: PublishHead, since: number) {
    this.#head = head;
    this.#since = since;
  }

  /** The frame as it is to be sent at this time. */
  at(frame: Uint8Array, now: number): Uint8Array {
    const [topic, routeKey, delay, ttl, ...rest] = this.#head;
    const elapsed = Math.max(0, Math.round(now - this.#since));
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const head = requestHead([topic, routeKey, delayLeft(delay, elapsed), ttlLeft(ttl, elapsed), ...rest]);
    const payload = frame.subarray(HEAD + view.getUint16(HEAD_LENGTH));
    return encodeFrame(view.getUint8(OP), view.getUint8(FLAGS), view.getUint32(REQUEST), head, payload);
  }
}

export const delayLeft = (delay: number | undefined, elapsed: number): number | undefined =>
  delay === undefined ? undefined : Math.max(0, delay - elapsed);

/** 0 means for ever; a message whose time is over expires at once. */
export const ttlLeft = (ttl: number | undefined, elapsed: number): number | undefined =>
  ttl === undefined || ttl === 0 ? ttl : Math.max(1, ttl - elapsed);
