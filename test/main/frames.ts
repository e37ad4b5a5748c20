/** Frames as tests write and read them. */
import { FLAGS, FrameWriter, HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../../src/protocol/frame.js";
import { packHead, unpackHead } from "../../src/protocol/head.js";
import { RECEIPT_BYTES, RECEIPT_MESSAGES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "../../src/protocol/selection.js";

export interface Frame {
  readonly op: number;
  readonly flags: number;
  readonly request: number;
  readonly head: readonly unknown[];
  readonly payload: Buffer;
}

/** An encoded frame. */
export const frame = (
  op: number,
  request: number,
  head: readonly unknown[] = [],
  payload: Uint8Array = new Uint8Array(0),
  flags = 0,
): Buffer => {
  const writer = new FrameWriter(64);
  writer.open(op, flags, request, head.length === 0 ? new Uint8Array(0) : packHead(head));
  writer.append(payload);
  writer.close();
  return Buffer.from(writer.written());
};

/** The frame in all of `bytes`. */
export const readFrame = (bytes: Buffer): Frame => {
  const payload = HEAD + bytes.readUInt16BE(HEAD_LENGTH);
  return {
    op: bytes.readUInt8(OP),
    flags: bytes.readUInt8(FLAGS),
    request: bytes.readUInt32BE(REQUEST),
    head: unpackHead(bytes, HEAD, payload),
    payload: bytes.subarray(payload),
  };
};

/** The whole frames in `bytes`, and what is left behind them. */
export const splitFrames = (bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } => {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= LENGTH_BYTES) {
    const next = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    if (next > bytes.length) break;
    frames.push(readFrame(bytes.subarray(at, next)));
    at = next;
  }
  return { frames, rest: bytes.subarray(at) };
};

/** Bodies as the payload of a PUBLISH. */
export const entries = (...bodies: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(
    bodies.map((body) => {
      const bytes = Buffer.from(body);
      const word = Buffer.alloc(4);
      word.writeUInt32BE(bytes.length);
      return Buffer.concat([word, bytes]);
    }),
  );

export interface Receipt {
  readonly request: number;
  readonly requests: number;
  readonly messages: number;
}

export const receiptsOf = ({ payload }: Frame): Receipt[] => {
  const receipts: Receipt[] = [];
  for (let at = 0; at < payload.length; at += RECEIPT_BYTES) {
    receipts.push({
      request: payload.readUInt32BE(at + RECEIPT_REQUEST),
      requests: payload.readUInt32BE(at + RECEIPT_REQUESTS),
      messages: payload.readUInt32BE(at + RECEIPT_MESSAGES),
    });
  }
  return receipts;
};
