/** Answers of the main thread itself, written between those of shards. */
import { ERRORS, type ErrorName } from "../../protocol/errors.js";
import { FrameWriter, LENGTH, MIN_LENGTH } from "../../protocol/frame.js";
import { NO_HEAD, packHead } from "../../protocol/head.js";
import { Answer } from "../../protocol/op.js";
import { RECEIPT_BYTES, RECEIPT_MESSAGES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "../../protocol/selection.js";
import type { Outgoing } from "./outgoing.js";

/** Shared by all: its bytes are copied before it is used again. */
const writer = new FrameWriter(4 * 1024);

/** Writes a frame, which is good until the next call. */
const frame = (op: number, request: number, head: Uint8Array, payload: Uint8Array = NO_HEAD): FrameWriter => {
  writer.clear();
  writer.open(op, 0, request, head);
  writer.append(payload);
  writer.close();
  return writer;
};

export const errorHead = (kind: ErrorName, text: string): Uint8Array => {
  const { code, retryable, closes } = ERRORS[kind];
  return packHead([code, text, retryable, closes]);
};

/** An ERROR as bytes of its own. */
export const errorFrame = (kind: ErrorName, text: string, request: number): Buffer =>
  Buffer.from(frame(Answer.ERROR, request, errorHead(kind, text)).written());

const answer = (outgoing: Outgoing, op: number, request: number, head: Uint8Array, payload?: Uint8Array): void => {
  const { bytes, end } = frame(op, request, head, payload);
  outgoing.append(bytes, 0, end);
};

export const answerError = (outgoing: Outgoing, kind: ErrorName, text: string, request: number): void =>
  answer(outgoing, Answer.ERROR, request, errorHead(kind, text));

/** `name`: that of the error in the program of a responder. */
export const answerFailure = (outgoing: Outgoing, request: number, text: string, name: string): void => {
  const { code, retryable, closes } = ERRORS.RESPONDER_FAILED;
  answer(outgoing, Answer.ERROR, request, packHead([code, text, retryable, closes, name]));
};

const receipt = new Uint8Array(RECEIPT_BYTES);
const receiptView = new DataView(receipt.buffer);
receiptView.setUint32(RECEIPT_REQUESTS, 1);

/** A CONFIRM of one request, without ids. */
export const answerConfirm = (outgoing: Outgoing, request: number, count: number): void => {
  receiptView.setUint32(RECEIPT_REQUEST, request);
  receiptView.setUint32(RECEIPT_MESSAGES, count);
  answer(outgoing, Answer.CONFIRM, 0, NO_HEAD, receipt);
};

const NIL = packHead([null]);

export const answerPing = (outgoing: Outgoing, request: number): void =>
  answer(outgoing, Answer.RESULT, request, NO_HEAD, NIL);

export const answerResult = (outgoing: Outgoing, request: number, value: unknown): void =>
  answer(outgoing, Answer.RESULT, request, NO_HEAD, packHead([value]));

/** The same for a value that may be long: what it takes to write it is not kept. */
export const answerLongResult = (outgoing: Outgoing, request: number, value: unknown): void => {
  const payload = packHead([value]);
  const head = Buffer.from(frame(Answer.RESULT, request, NO_HEAD).written());
  head.writeUInt32BE(MIN_LENGTH + payload.length, LENGTH);
  outgoing.appendFrame(head, payload, 0, payload.length);
};

export const answerHello = (outgoing: Outgoing, op: number, request: number, head: Uint8Array): void =>
  answer(outgoing, op, request, head);

export const sayConsumerClosed = (outgoing: Outgoing, kind: ErrorName, text: string, request: number): void =>
  answer(outgoing, Answer.CONSUMER_CLOSED, request, packHead([ERRORS[kind].code, text]));

export const STOPPING = "the broker is stopping";

export const sayGoodbye = (outgoing: Outgoing): void => answer(outgoing, Answer.GOODBYE, 0, packHead([STOPPING]));

/** The answer to a pop that has found nothing, of a session's own: without a request. */
export const NO_MESSAGES: Uint8Array = Uint8Array.from(frame(Answer.MESSAGES, 0, NO_HEAD).written());
