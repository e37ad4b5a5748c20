/** `/getTopicStat`, `/getQueuesByTopic` and `/getAllTopicStat`. */
import { packHead } from "../../../../protocol/head.js";
import { Answer, Op } from "../../../../protocol/op.js";
import type { AnswerFrame } from "../../../native/gateway.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import { topicRefusal } from "./admin.js";
import { refusal, refusalText, result } from "./answer.js";
import type { AnswerTurns } from "./answer-turns.js";
import * as envelope from "./envelope.js";
import { parameter, type Route } from "./route.js";
import { listTopics, TopicListError } from "./topic-list.js";
import { parseStatistics, queuesJson, statisticsJson } from "./topic-statistics.js";

/** Text that is gathered before it is sent: an ordinary list is one answer, and a long one costs few writes. */
const PART_LENGTH = 64 * 1024;

export const topicStatRoute =
  (turns: AnswerTurns): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      if (frame.op !== Answer.RESULT) return exchange.send(topicRefusal(frame));
      exchange.send(envelope.success(statisticsJson(parseStatistics(result(frame)))));
    });
    turns.request(Op.STATS, packHead([topic]), onAnswer);
  };

/** A topic that is not there has no queues; gmq says so without an error. */
export const queuesRoute =
  (turns: AnswerTurns): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      if (frame.op === Answer.RESULT) exchange.send(envelope.success(queuesJson(parseStatistics(result(frame)))));
      else if (refusal(frame) === "NO_TOPIC") exchange.send(envelope.success("{}"));
      else exchange.send(refusalText(frame));
    });
    turns.request(Op.STATS, packHead([topic]), onAnswer);
  };

export const allTopicStatRoute =
  (turns: AnswerTurns, shards: number): Route =>
  async (exchange) => {
    try {
      await sendTopics(exchange, turns, shards);
    } catch (error) {
      // An answer that has begun cannot turn into a refusal: the client sees that it was cut off.
      if (error instanceof TopicListError) exchange.fail(envelope.failure(error.message));
      else throw error;
    }
  };

/**
 * Sends the list while it is read, ordered by name: however many topics there are, the broker holds one page of each
 * shard and one part of the text, and goes on when the client has taken that.
 */
const sendTopics = async (exchange: HttpExchange, turns: AnswerTurns, shards: number): Promise<void> => {
  let part = `${envelope.SUCCESS_HEAD}[`;
  let separator = "";
  for await (const topic of listTopics(turns, shards)) {
    if (!exchange.open) return;
    part += separator + statisticsJson(topic);
    separator = ",";
    if (part.length >= PART_LENGTH) {
      await exchange.write(part);
      part = "";
    }
  }
  exchange.end(`${part}]${envelope.SUCCESS_TAIL}`);
};
