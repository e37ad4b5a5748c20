/** `/config`, `/declareQueue`, `/setIsAutoAck` and `/exitTopic`. */
import type { HttpSessions } from "../../../ports/http/sessions.js";
import {
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

const MILLISECONDS = 1000;

export const configRoute =
  (sessions: HttpSessions): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const config = parseConfig(query);
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

/** What the query sets, or what is wrong with it. A parameter that is missing or empty leaves its value as it is. */
const parseConfig = (query: string): TopicConfig | string => {
  const config: TopicConfig = {};
  const autoAck = parameter(query, "isAutoAck") || parameter(query, "isAuthoAck");
  if (autoAck !== "") {
    if (autoAck !== "0" && autoAck !== "1") return "isAutoAck must be 0 or 1";
    config.autoAck = autoAck === "1";
  }
  const mode = parameter(query, "mode");
  if (mode !== "") {
    if (mode !== "1" && mode !== "2") return "mode must be 1 (the route key is the bind key) or 2 (it is a pattern)";
    config.mode = mode === "1" ? "exact" : "pattern";
  }
  const ttr = parameter(query, "msgTTR");
  if (ttr !== "") {
    if (!/^0*[1-9]\d{0,8}$/.test(ttr)) return "msgTTR must be a number of seconds, at least 1";
    config.ttr = Number(ttr) * MILLISECONDS;
  }
  const retries = parameter(query, "msgRetry");
  if (retries !== "") {
    if (!/^\d{1,9}$/.test(retries)) return "msgRetry must be a number, at least 0";
    config.retries = Number(retries);
  }
  return config;
};

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
