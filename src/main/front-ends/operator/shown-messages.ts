/** Messages of an answer as JSON has them. */
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../../../protocol/entry.js";
import { ProtocolError } from "../../../protocol/errors.js";
import { FAILED_HOW, readFailures } from "../../../protocol/failure.js";
import { unpackHeaders } from "../../../protocol/headers.js";
import { formatId } from "../../../protocol/id.js";
import { DEATHS, type ReceivedRun, readRuns } from "../../../protocol/run.js";
import { readStrictText, readText } from "../../../protocol/text.js";
import type { AnswerFrame } from "../../native/answer-frame.js";

/** Each with `body`, or `bodyBase64` where it is no text; numbers beyond 2^53 in headers are text. */
export const shownMessages = (frame: AnswerFrame): object[] =>
  readRuns(frame.view, frame.payloadStart, frame.payloadEnd).flatMap((run) => messagesOf(frame, run));

const messagesOf = ({ bytes, view }: AnswerFrame, run: ReceivedRun): object[] => {
  const { idHigh, idLow, count, delivery, retry, reason, time, keyStart, keyEnd, failuresStart, start } = run;
  const failures = readFailures(view, failuresStart, start).map((failure) => ({
    number: failure.number,
    time: Math.floor(failure.time),
    how: FAILED_HOW[failure.how] ?? "",
    client: readText(bytes, failure.consumerStart, failure.reasonStart),
    text: readText(bytes, failure.reasonStart, failure.end),
  }));
  const shared = {
    retry,
    reason: DEATHS[reason] ?? "",
    delivery,
    time: Math.floor(time),
    routeKey: readText(bytes, keyStart, keyEnd),
    failures,
  };
  const messages: object[] = [];
  for (let i = 0, at = start; i < count; i++) {
    const word = view.getUint32(at);
    const end = at + WORD_BYTES + (word & SIZE_MASK);
    const headers = word >= HAS_HEADERS ? view.getUint16(at + WORD_BYTES) : 0;
    const headersStart = at + WORD_BYTES + HEADERS_LENGTH_BYTES;
    const bodyStart = word >= HAS_HEADERS ? headersStart + headers : at + WORD_BYTES;
    const read = headers === 0 ? {} : headersIn(bytes, headersStart, bodyStart);
    messages.push({ id: formatId(idHigh, idLow + i), ...shared, headers: read, ...bodyIn(bytes, bodyStart, end) });
    at = end;
  }
  return messages;
};

/** Null: they are none. Nobody has checked them. */
const headersIn = (bytes: Uint8Array, start: number, end: number): unknown => {
  try {
    const text = JSON.stringify(unpackHeaders(bytes, start, end), (_, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
};

const bodyIn = (bytes: Uint8Array, start: number, end: number): object => {
  const body = readStrictText(bytes, start, end);
  return body === undefined ? { bodyBase64: Buffer.from(bytes.subarray(start, end)).toString("base64") } : { body };
};
