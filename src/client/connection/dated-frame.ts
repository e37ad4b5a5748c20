/**
 * A PUBLISH with a delay or a time to live, which run from the call on: it is sent again with what is left of them.
 */
import { FLAGS, HEAD, HEAD_LENGTH, OP, REQUEST } from "../../protocol/frame.js";
import { encodeFrame } from "./chunk.js";
import { requestHead } from "./request-head.js";

/** The elements of its head. */
export type PublishHead = readonly [
  topic: string,
  routeKey: string | undefined,
  delay: number | undefined,
  ttl: number | undefined,
  producer: string | undefined,
  keyWindow: number | undefined,
];

/** What it says of time, and since when. */
export interface Dating {
  readonly head: PublishHead;
  /** When its messages were published, in milliseconds by the connection's clock. */
  readonly since: number;
}

/** The frame as it is to be sent at this time. */
export const datedFrame = (frame: Uint8Array, { head, since }: Dating, now: number): Uint8Array => {
  const [topic, routeKey, delay, ttl, ...rest] = head;
  const elapsed = Math.max(0, Math.round(now - since));
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const left = requestHead([topic, routeKey, delayLeft(delay, elapsed), ttlLeft(ttl, elapsed), ...rest]);
  const payload = frame.subarray(HEAD + view.getUint16(HEAD_LENGTH));
  return encodeFrame(view.getUint8(OP), view.getUint8(FLAGS), view.getUint32(REQUEST), left, payload);
};

export const delayLeft = (delay: number | undefined, elapsed: number): number | undefined =>
  delay === undefined ? undefined : Math.max(0, delay - elapsed);

/** 0 means for ever; a message whose time is over expires at once. */
export const ttlLeft = (ttl: number | undefined, elapsed: number): number | undefined =>
  ttl === undefined || ttl === 0 ? ttl : Math.max(1, ttl - elapsed);
