/** Reading what a shard answered: for all front ends. */
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { type ErrorName, errorName } from "../../protocol/errors.js";
import { unpackHead, unpackResult } from "../../protocol/head.js";
import { formatId } from "../../protocol/id.js";
import { Answer } from "../../protocol/op.js";
import { readRuns } from "../../protocol/run.js";
import { RECEIPT_ID_HIGH, RECEIPT_ID_LOW, RECEIPT_MESSAGES } from "../../protocol/selection.js";
import type { AnswerFrame } from "./answer-frame.js";

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

/** Both, as `SLOW_SUBSCRIBER: …`. */
export const refusalText = (frame: AnswerFrame): string =>
  `${refusal(frame) ?? "UNKNOWN_ERROR"}: ${refusalMessage(frame)}`;

/** The id of the message that a CONFIRM of PUBLISH is about, in decimal. */
export const publishedId = ({ view, payloadStart }: AnswerFrame): string =>
  formatId(view.getUint32(payloadStart + RECEIPT_ID_HIGH), view.getUint32(payloadStart + RECEIPT_ID_LOW));

/** What a CONFIRM of one request counts. */
export const confirmedCount = ({ view, payloadStart }: AnswerFrame): number =>
  view.getUint32(payloadStart + RECEIPT_MESSAGES);

/** The value of a RESULT. */
export const result = (frame: AnswerFrame): unknown =>
  unpackResult(frame.bytes, frame.payloadStart, frame.payloadEnd)[0];

/** Bytes of the frame as text; what is not UTF-8 becomes U+FFFD. A `Buffer` reads shared memory too. */
export const text = (frame: AnswerFrame, start: number, end: number): string =>
  Buffer.from(frame.bytes.buffer, frame.bytes.byteOffset + start, end - start).toString("utf8");

const head = (frame: AnswerFrame): readonly unknown[] => unpackHead(frame.bytes, frame.headStart, frame.headEnd);

/** A message as it lies in the bytes of its frame. */
export interface ReceivedMessage {
  readonly idHigh: number;
  readonly idLow: number;
  /** Of the lease under which it was handed out. */
  readonly delivery: number;
  readonly retry: number;
  /** Its body: [start, end). */
  readonly start: number;
  readonly end: number;
}

/** The first message of a MESSAGES; undefined if it has none. */
export const firstMessage = (frame: AnswerFrame): ReceivedMessage | undefined => {
  const [run] = readRuns(frame.view, frame.payloadStart, frame.payloadEnd);
  if (run === undefined) return undefined;
  const { idHigh, idLow, delivery, retry, end } = run;
  let start = run.start + WORD_BYTES;
  if (frame.view.getUint32(run.start) >= HAS_HEADERS) start += HEADERS_LENGTH_BYTES + frame.view.getUint16(start);
  return { idHigh, idLow, delivery, retry, start, end };
};

/** Calls back for each message of a MESSAGES, in order: its id, its retry, and its body [start, end) in the frame. */
export const eachMessage = (
  { view, payloadStart, payloadEnd }: AnswerFrame,
  onMessage: (idHigh: number, idLow: number, retry: number, start: number, end: number) => void,
): void => {
  for (const { idHigh, idLow, retry, start, end } of readRuns(view, payloadStart, payloadEnd)) {
    // The ids of a run are of one millisecond: the high word is the same.
    let low = idLow;
    eachEntry(view, start, end, (from, to) => onMessage(idHigh, low++, retry, from, to));
  }
};

/** Calls back for each body of the entries in [start, end), which are whole. */
export const eachEntry = (
  view: DataView,
  start: number,
  end: number,
  onBody: (start: number, end: number) => void,
): void => {
  for (let at = start; at < end; ) {
    const word = view.getUint32(at);
    const next = at + WORD_BYTES + (word & SIZE_MASK);
    const headers = word >= HAS_HEADERS ? HEADERS_LENGTH_BYTES + view.getUint16(at + WORD_BYTES) : 0;
    onBody(at + WORD_BYTES + headers, next);
    at = next;
  }
};
