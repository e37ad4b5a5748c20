/**
 * A chunk of frames that is sent with one write.
 */
import { FrameWriter, HEAD, REQUEST } from "../../protocol/frame.js";

/** Whole frames, and at most one that is still being written. */
export class Chunk extends FrameWriter {
  /** Requests in it that get an answer. */
  requests = 0;
  /** Bytes of it that have been sent. */
  sent = 0;
  /** Who still needs it: whoever sends it, and the request in it that may have to be sent again. */
  holders = 1;

  override open(op: number, flags: number, request: number, head: Uint8Array): void {
    super.open(op, flags, request, head);
    if (request !== 0) this.requests++;
  }

  /** Numbers the only frame in it, which was opened with request 0. */
  number(request: number): void {
    this.view.setUint32(REQUEST, request);
    this.requests++;
  }
}

/** A frame by itself. */
export const encodeFrame = (
  op: number,
  flags: number,
  request: number,
  head: Uint8Array,
  payload: Uint8Array,
): Uint8Array => {
  const frame = new FrameWriter(HEAD + head.length + payload.length);
  frame.open(op, flags, request, head);
  frame.append(payload);
  frame.close();
  return frame.bytes;
};
