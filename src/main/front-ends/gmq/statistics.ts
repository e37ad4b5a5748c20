/** getTopicStat and getQueuesByTopic; the autoAck that setIsAutoAck has to know is among the statistics. */
import { packHead } from "../../../protocol/head.js";
import { Answer, Op } from "../../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "../../native/answer-frame.js";
import { refusal, refusalMessage, result } from "../../native/answer-reading.js";
import type { Session } from "../../native/session.js";
import { topicRefusal } from "./admin.js";
import type { AnswerTurns } from "./answer-turns.js";
import { parseStatistics, queuesJson, type TopicStatistics } from "./topic-statistics.js";

/** `onAnswer` must not throw. */
export const requestStatistics = (turns: AnswerTurns, session: Session, topic: string, onAnswer: AnswerHandler): void =>
  turns.request(session, Op.STATS, packHead([topic]), onAnswer);

/** The statistics, or why there are none. */
export const readStatistics = (frame: AnswerFrame): TopicStatistics | string =>
  frame.op === Answer.RESULT ? parseStatistics(result(frame)) : topicRefusal(frame);

/** The queues of a topic as JSON. A topic that is not there has none; gmq says so without an error. */
export const readQueues = (frame: AnswerFrame): { readonly json: string } | string => {
  if (frame.op === Answer.RESULT) return { json: queuesJson(parseStatistics(result(frame))) };
  return refusal(frame) === "NO_TOPIC" ? { json: "{}" } : refusalMessage(frame);
};
