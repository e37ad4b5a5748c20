/** Reading what a shard answered. */
import { type ErrorName, errorName } from "../../../protocol/errors.js";
import { unpackHead, unpackResult } from "../../../protocol/head.js";
import { Answer } from "../../../protocol/op.js";
import type { AnswerFrame } from "../../native/answer-frame.js";

/** The name of the error that a frame brings; undefined for any other answer. */
export const refusal = (frame: AnswerFrame): ErrorName | undefined => {
  if (frame.op !== Answer.ERROR) return undefined;
  const code = head(frame)[0];
  return typeof code === "number" ? errorName(code) : undefined;
};

/** The text of the error that a frame brings. */
export const refusalMessage = (frame: AnswerFrame): string => {
  const message = frame.op === Answer.ERROR ? head(frame)[1] : undefined;
  return typeof message === "string" ? message : `the broker answered 0x${frame.op.toString(16)}`;
};

/** The value of a RESULT. */
export const result = (frame: AnswerFrame): unknown =>
  unpackResult(frame.bytes, frame.payloadStart, frame.payloadEnd)[0];

/** Bytes of the frame as text; what is not UTF-8 becomes U+FFFD. A `Buffer` reads shared memory too. */
export const text = (frame: AnswerFrame, start: number, end: number): string =>
  Buffer.from(frame.bytes.buffer, frame.bytes.byteOffset + start, end - start).toString("utf8");

const head = (frame: AnswerFrame): readonly unknown[] => unpackHead(frame.bytes, frame.headStart, frame.headEnd);
