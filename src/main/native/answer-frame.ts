/** The answer to one request, as front ends are shown it. */
import { FLAGS, HEAD, HEAD_LENGTH, OP, REQUEST } from "../../protocol/frame.js";

/** A frame; a CONFIRM has one receipt, that of the request. */
export interface AnswerFrame {
  readonly op: number;
  readonly flags: number;
  readonly request: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly headStart: number;
  readonly headEnd: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

/** Takes an answer, which is good until it returns. */
export type AnswerHandler = (frame: AnswerFrame) => void;

const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_VIEW: DataView = new DataView(NO_BYTES.buffer);

/** The frame that handlers are shown: one object is used again and again. */
export class CurrentFrame implements AnswerFrame {
  op = 0;
  flags = 0;
  request = 0;
  bytes = NO_BYTES;
  view = NO_VIEW;
  headStart = 0;
  headEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;

  show(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.op = view.getUint8(start + OP);
    this.flags = view.getUint8(start + FLAGS);
    this.request = view.getUint32(start + REQUEST);
    this.bytes = bytes;
    this.view = view;
    this.headStart = start + HEAD;
    this.headEnd = this.headStart + view.getUint16(start + HEAD_LENGTH);
    this.payloadStart = this.headEnd;
    this.payloadEnd = end;
  }

  /** Lets go of the bytes, which are large. */
  clear(): void {
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
  }
}

/** Bytes of an answer's head and payload. */
export const answerBytes = ({ headStart, payloadEnd }: AnswerFrame): number => payloadEnd - headStart;

/** An answer that may be kept: the whole frame. */
export const copyAnswer = (frame: AnswerFrame): AnswerFrame => {
  const { op, flags, request, headStart, headEnd, payloadEnd } = frame;
  const start = headStart - HEAD;
  // Not `slice`: that of a Buffer is no copy.
  const bytes = new Uint8Array(frame.bytes.subarray(start, payloadEnd));
  const payloadStart = headEnd - start;
  return {
    op,
    flags,
    request,
    bytes,
    view: new DataView(bytes.buffer),
    headStart: HEAD,
    headEnd: payloadStart,
    payloadStart,
    payloadEnd: bytes.length,
  };
};

/** For handlers that are called without an answer. */
export const NOTHING: AnswerFrame = {
  op: 0,
  flags: 0,
  request: 0,
  bytes: NO_BYTES,
  view: NO_VIEW,
  headStart: 0,
  headEnd: 0,
  payloadStart: 0,
  payloadEnd: 0,
};
