/** config, declareQueue, setIsAutoAck and exitTopic. */
import { packHead } from "../../../protocol/head.js";
import { DEFAULT_KEY } from "../../../protocol/limits.js";
import { Answer, Op } from "../../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "../../native/answer-frame.js";
import { refusal, refusalMessage } from "../../native/answer-reading.js";
import type { Session } from "../../native/session.js";
import { hasExist, TOPIC_IS_NOT_EXIST } from "./words.js";

/** The keys of CONFIGURE that gmq knows. */
export interface TopicConfig {
  autoAck?: boolean;
  mode?: "exact" | "pattern";
  /** Milliseconds. */
  ttr?: number;
  retries?: number;
}

const MILLISECONDS = 1000;

/** The configuration of a topic as gmq's clients write it. */
export interface ConfigWords {
  readonly autoAck: string;
  readonly mode: string;
  /** Seconds. */
  readonly ttr: string;
  readonly retries: string;
}

/** What the words set, or what is wrong with them. One that is empty leaves its value as it is. */
export const parseConfig = ({ autoAck, mode, ttr, retries }: ConfigWords): TopicConfig | string => {
  const config: TopicConfig = {};
  if (autoAck !== "") {
    if (autoAck !== "0" && autoAck !== "1") return "isAutoAck must be 0 or 1";
    config.autoAck = autoAck === "1";
  }
  if (mode !== "") {
    if (mode !== "1" && mode !== "2") return "mode must be 1 (the route key is the bind key) or 2 (it is a pattern)";
    config.mode = mode === "1" ? "exact" : "pattern";
  }
  if (ttr !== "") {
    if (!/^0*[1-9]\d{0,8}$/.test(ttr)) return "msgTTR must be a number of seconds, at least 1";
    config.ttr = Number(ttr) * MILLISECONDS;
  }
  if (retries !== "") {
    if (!/^\d{1,9}$/.test(retries)) return "msgRetry must be a number, at least 0";
    config.retries = Number(retries);
  }
  return config;
};

/** What is not given stays as it is. */
export const requestConfig = (session: Session, topic: string, config: TopicConfig, onAnswer: AnswerHandler): void => {
  session.request(Op.CONFIGURE, 0, packHead([topic, config]), undefined, onAnswer);
};

/** Undefined: it is done; else why not. */
export const readConfig = (frame: AnswerFrame): string | undefined =>
  frame.op === Answer.RESULT ? undefined : refusalMessage(frame);

export const requestDeclareQueue = (
  session: Session,
  topic: string,
  bindKey: string,
  onAnswer: AnswerHandler,
): void => {
  session.request(Op.DECLARE_QUEUE, 0, packHead([topic, bindKey || DEFAULT_KEY]), undefined, onAnswer);
};

/** Undefined: it is done; else why not. */
export const readDeclareQueue = (frame: AnswerFrame, bindKey: string): string | undefined => {
  if (frame.op === Answer.CONFIRM) return undefined;
  return refusal(frame) === "QUEUE_EXISTS" ? hasExist(bindKey || DEFAULT_KEY) : refusalMessage(frame);
};

export const requestExitTopic = (session: Session, topic: string, onAnswer: AnswerHandler): void => {
  session.request(Op.DELETE_TOPIC, 0, packHead([topic]), undefined, onAnswer);
};

/** Undefined: it is done; else why not. */
export const readExitTopic = (frame: AnswerFrame): string | undefined =>
  frame.op === Answer.CONFIRM ? undefined : topicRefusal(frame);

/** Why there is no answer about a topic that must be there. */
export const topicRefusal = (frame: AnswerFrame): string =>
  refusal(frame) === "NO_TOPIC" ? TOPIC_IS_NOT_EXIST : refusalMessage(frame);
