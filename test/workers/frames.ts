/** Frames as a client would send them, for tests of what decodes them. */
import { FrameWriter } from "../../src/protocol/frame.js";
import { NO_HEAD, packHead } from "../../src/protocol/head.js";

export interface TestFrame {
  readonly op: number;
  readonly flags?: number;
  readonly request?: number;
  readonly head?: readonly unknown[];
  /** Raw bytes of the head, instead of `head`. */
  readonly rawHead?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** Frames one after another. */
export const encodeFrames = (frames: readonly TestFrame[]): Uint8Array => {
  const writer = new FrameWriter();
  for (const { op, flags = 0, request = 1, head, rawHead, payload } of frames) {
    writer.open(op, flags, request, rawHead ?? (head === undefined ? NO_HEAD : packHead(head)));
    if (payload !== undefined) writer.append(payload);
    writer.close();
  }
  return writer.bytes.slice(0, writer.end);
};

/** Entries without headers. */
export const entries = (...bodies: readonly string[]): Uint8Array => {
  const writer = new FrameWriter();
  for (const body of bodies) {
    const bytes = Buffer.from(body);
    writer.reserve(4);
    writer.view.setUint32(writer.end, bytes.length);
    writer.end += 4;
    writer.append(bytes);
  }
  return writer.bytes.slice(0, writer.end);
};
