/** pop and ack: one message at a time. */
import { formatId } from "../../../protocol/id.js";
import { DEFAULT_KEY } from "../../../protocol/limits.js";
import { Answer } from "../../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "../../native/answer-frame.js";
import { firstMessage, refusal, refusalMessage } from "../../native/answer-reading.js";
import type { Session } from "../../native/session.js";
import { cannotMatchQueue, isNotAssociated, isNotExist, NO_MESSAGE } from "./words.js";

/** A message that was popped. */
export interface Popped {
  readonly id: string;
  /** Its body in the bytes of the frame: [start, end). */
  readonly start: number;
  readonly end: number;
  readonly retry: number;
}

/** `wait` is how long to wait for a message, in milliseconds. */
export const requestPop = (
  session: Session,
  topic: string,
  bindKey: string,
  wait: number,
  onAnswer: AnswerHandler,
): void => session.pop(topic, bindKey, { wait }, onAnswer);

/** The message, or why there is none. */
export const readPop = (frame: AnswerFrame, bindKey: string): Popped | string => {
  if (frame.op !== Answer.MESSAGES) return popRefusal(frame, bindKey);
  const message = firstMessage(frame);
  if (message === undefined) return NO_MESSAGE;
  const { idHigh, idLow, start, end, retry } = message;
  return { id: formatId(idHigh, idLow), start, end, retry };
};

/** Why there is no message: `no message` also when there is no queue yet that is made on first use. */
export const popRefusal = (frame: AnswerFrame, bindKey: string): string => {
  switch (refusal(frame)) {
    case "NO_TOPIC":
      return NO_MESSAGE;
    case "NO_QUEUE":
      return isDefault(bindKey) ? NO_MESSAGE : cannotMatchQueue(bindKey);
    default:
      return refusalMessage(frame);
  }
};

/** An id in its two words. */
export interface MessageId {
  readonly high: number;
  readonly low: number;
}

/** Acknowledges a message, whoever holds it: an id is all that gmq's clients know. */
export const requestAck = (
  session: Session,
  topic: string,
  bindKey: string,
  { high, low }: MessageId,
  onAnswer: AnswerHandler,
): void => session.ack(topic, bindKey, { idHigh: high, idLow: low, delivery: 0 }, onAnswer);

/** Undefined: it is acknowledged; else why not. */
export const readAck = (frame: AnswerFrame, bindKey: string, { high, low }: MessageId): string | undefined => {
  if (frame.op === Answer.CONFIRM) return undefined;
  const id = formatId(high, low);
  if (frame.op === Answer.SETTLED) return isNotExist(id);
  switch (refusal(frame)) {
    case "NO_TOPIC":
    case "NO_QUEUE":
      return isDefault(bindKey) ? isNotExist(id) : isNotAssociated(bindKey);
    default:
      return refusalMessage(frame);
  }
};

/** The default queue is made on first use, so that it is never missing: it is only empty. */
const isDefault = (bindKey: string): boolean => bindKey === "" || bindKey === DEFAULT_KEY;
