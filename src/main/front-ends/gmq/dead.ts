/** dead: messages that have died, under a lease like any that was popped. */
import { packHead } from "../../../protocol/head.js";
import { DEFAULT_KEY } from "../../../protocol/limits.js";
import { Answer, Op } from "../../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "../../native/answer-frame.js";
import { firstMessage } from "../../native/answer-reading.js";
import type { Session } from "../../native/session.js";
import { popRefusal } from "./pop-ack.js";
import { NO_MESSAGE } from "./words.js";

export const requestDead = (
  session: Session,
  topic: string,
  bindKey: string,
  max: number,
  onAnswer: AnswerHandler,
): void => {
  session.request(Op.POP_DEAD, 0, packHead([topic, bindKey || DEFAULT_KEY, max]), undefined, onAnswer);
};

/** Undefined: the frame has messages; else why there are none. */
export const readDead = (frame: AnswerFrame, bindKey: string): string | undefined => {
  if (frame.op !== Answer.MESSAGES) return popRefusal(frame, bindKey);
  return firstMessage(frame) === undefined ? NO_MESSAGE : undefined;
};
