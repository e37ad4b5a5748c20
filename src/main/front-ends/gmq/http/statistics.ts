/** `/getTopicStat`, `/getQueuesByTopic` and `/getAllTopicStat`. */
import type { AnswerFrame } from "../../../native/answer-frame.js";
import type { Session } from "../../../native/session.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import type { HttpSessions } from "../../../ports/http/sessions.js";
import type { AnswerTurns } from "../answer-turns.js";
import { readQueues, readStatistics, requestStatistics } from "../statistics.js";
import { listTopics, TopicListError } from "../topic-list.js";
import { statisticsJson } from "../topic-statistics.js";
import * as envelope from "./envelope.js";
import { parameter, type Route, withSession } from "./route.js";

/** Text that is gathered before it is sent: an ordinary list is one answer, and a long one costs few writes. */
const PART_LENGTH = 64 * 1024;

/** A route that asks for the statistics of one topic; `read` makes gmq's answer of the shard's. */
const statisticsRoute =
  (read: (frame: AnswerFrame) => string) =>
  (sessions: HttpSessions, turns: AnswerTurns): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    withSession(exchange, sessions, ({ session, answering }) =>
      requestStatistics(turns, session, topic, answering(read)),
    );
  };

export const topicStatRoute = statisticsRoute((frame) => {
  const statistics = readStatistics(frame);
  return typeof statistics === "string" ? envelope.failure(statistics) : envelope.success(statisticsJson(statistics));
});

export const queuesRoute = statisticsRoute((frame) => {
  const queues = readQueues(frame);
  return typeof queues === "string" ? envelope.failure(queues) : envelope.success(queues.json);
});

export const allTopicStatRoute =
  (sessions: HttpSessions, turns: AnswerTurns, shards: number): Route =>
  async (exchange) => {
    const lease = sessions.lease(exchange.caller);
    exchange.onGone(lease.drop);
    try {
      await sendTopics(exchange, turns, lease.session, shards);
      lease.give();
    } catch (error) {
      // Pages of other shards may be under way.
      lease.drop();
      // An answer that has begun cannot turn into a refusal: the client sees that it was cut off.
      if (error instanceof TopicListError) exchange.fail(envelope.failure(error.message));
      else throw error;
    }
  };

/**
 * Sends the list while it is read, ordered by name: however many topics there are, the broker holds one page of each
 * shard and one part of the text, and goes on when the client has taken that.
 */
const sendTopics = async (
  exchange: HttpExchange,
  turns: AnswerTurns,
  session: Session,
  shards: number,
): Promise<void> => {
  let part = `${envelope.SUCCESS_HEAD}[`;
  let separator = "";
  for await (const topic of listTopics(turns, session, shards)) {
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
