/** publish to a channel. */
import { packHead } from "../../../protocol/head.js";
import { Answer, Op } from "../../../protocol/op.js";
import { RECEIPT_MESSAGES } from "../../../protocol/selection.js";
import type { AnswerFrame, AnswerHandler } from "../../native/answer-frame.js";
import { refusalMessage } from "../../native/answer-reading.js";
import type { Session } from "../../native/session.js";
import { NO_SUBSCRIBERS } from "./words.js";

/** `entry` is the message, with its length in front of it. */
export const requestPublish = (session: Session, channel: string, entry: Uint8Array, onAnswer: AnswerHandler): void => {
  session.request(Op.PUBLISH_CHANNEL, 0, packHead([channel]), entry, onAnswer);
};

/** Undefined: somebody got it; else why not. */
export const readPublish = (frame: AnswerFrame): string | undefined => {
  if (frame.op !== Answer.CONFIRM) return refusalMessage(frame);
  return frame.view.getUint32(frame.payloadStart + RECEIPT_MESSAGES) === 0 ? NO_SUBSCRIBERS : undefined;
};
