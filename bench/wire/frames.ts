/**
 * Frames of the raw load, encoded once before measuring.
 */
import { WORD_BYTES } from "#protocol/entry.js";
import { FrameWriter, HEAD, REQUEST } from "#protocol/frame.js";
import { NO_HEAD, packHead } from "#protocol/head.js";
import { Op, PROTOCOL_VERSION } from "#protocol/op.js";
import type { Wire } from "./wire.js";

/** The request number of HELLO, and that of a load's first request. */
export const HELLO_REQUEST = 1;
export const FIRST_REQUEST = 2;
const FILL = 0x61;

/** A frame as it goes onto a wire, its prefix included. */
export interface WireFrame {
  readonly bytes: Uint8Array;
  /** Where its request number stands: a big-endian u32. */
  readonly requestAt: number;
  /** Where its head begins. */
  readonly headAt: number;
  /** Where its payload begins. */
  readonly payloadAt: number;
}

/** `head` is packed as a msgpack array unless it is bytes already. */
export const encodeFrame = (
  wire: Wire,
  op: number,
  flags: number,
  request: number,
  head: readonly unknown[] | Uint8Array,
  payload: Uint8Array = NO_HEAD,
): WireFrame => {
  const packed = head instanceof Uint8Array ? head : head.length === 0 ? NO_HEAD : packHead(head);
  const writer = new FrameWriter(HEAD + packed.length + payload.length);
  writer.open(op, flags, request, packed);
  writer.append(payload);
  writer.close();
  const frame = writer.written();
  const prefix = wire.prefixBytes(frame.length);
  return {
    bytes: wire.framed(frame),
    requestAt: prefix + REQUEST,
    headAt: prefix + HEAD,
    payloadAt: prefix + HEAD + packed.length,
  };
};

/** `count` entries without headers, each with a body of `bodyBytes`. */
export const entries = (count: number, bodyBytes: number): Uint8Array => {
  const size = WORD_BYTES + bodyBytes;
  const bytes = new Uint8Array(count * size).fill(FILL);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setUint32(i * size, bodyBytes);
  return bytes;
};

export const body = (bodyBytes: number): Uint8Array => new Uint8Array(bodyBytes).fill(FILL);

export const sendHello = (wire: Wire): void => {
  wire.send(encodeFrame(wire, Op.HELLO, 0, HELLO_REQUEST, [PROTOCOL_VERSION, "bench", wire.token]).bytes);
};
