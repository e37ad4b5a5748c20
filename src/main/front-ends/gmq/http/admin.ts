/** `/config`, `/declareQueue`, `/setIsAutoAck` and `/exitTopic`. */
import type { HttpSessions } from "../../../ports/http/sessions.js";
import {
  parseConfig,
  readConfig,
  readDeclareQueue,
  readExitTopic,
  requestConfig,
  requestDeclareQueue,
  requestExitTopic,
  type TopicConfig,
} from "../admin.js";
import type { AnswerTurns } from "../answer-turns.js";
import { readStatistics, requestStatistics } from "../statistics.js";
import { hasExited } from "../words.js";
import * as envelope from "./envelope.js";
import { parameter, type Route, withSession } from "./route.js";

export const configRoute =
  (sessions: HttpSessions): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const config = configOf(query);
    if (typeof config === "string") return exchange.send(envelope.failure(config));
    withSession(exchange, sessions, ({ session, answering }) => {
      requestConfig(
        session,
        topic,
        config,
        answering((frame) => envelope.outcome(readConfig(frame))),
      );
    });
  };

/** What the query sets, or what is wrong with it. */
const configOf = (query: string): TopicConfig | string =>
  parseConfig({
    autoAck: parameter(query, "isAutoAck") || parameter(query, "isAuthoAck"),
    mode: parameter(query, "mode"),
    ttr: parameter(query, "msgTTR"),
    retries: parameter(query, "msgRetry"),
  });

export const declareQueueRoute =
  (sessions: HttpSessions): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const bindKey = parameter(query, "bindKey");
    withSession(exchange, sessions, ({ session, answering }) => {
      const onAnswer = answering((frame) => envelope.outcome(readDeclareQueue(frame, bindKey), envelope.DECLARED));
      requestDeclareQueue(session, topic, bindKey, onAnswer);
    });
  };

/** Asks for the setting, then sets the other: two toggles at the same moment may both see the same, as in gmq. */
export const setIsAutoAckRoute =
  (sessions: HttpSessions, turns: AnswerTurns): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    withSession(exchange, sessions, ({ session, next, answering }) => {
      const onStatistics = next((frame) => {
        const statistics = readStatistics(frame);
        if (typeof statistics === "string") return answering(() => envelope.failure(statistics))(frame);
        const onAnswer = answering((configured) => envelope.outcome(readConfig(configured)));
        requestConfig(session, topic, { autoAck: !statistics.autoAck }, onAnswer);
      });
      requestStatistics(turns, session, topic, onStatistics);
    });
  };

export const exitTopicRoute =
  (sessions: HttpSessions): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    withSession(exchange, sessions, ({ session, answering }) => {
      const onAnswer = answering((frame) => envelope.outcome(readExitTopic(frame), envelope.done(hasExited(topic))));
      requestExitTopic(session, topic, onAnswer);
    });
  };
