/** `/config`, `/declareQueue`, `/setIsAutoAck` and `/exitTopic`. */
import { packHead } from "../../../../protocol/head.js";
import { DEFAULT_KEY } from "../../../../protocol/limits.js";
import { Answer, Op } from "../../../../protocol/op.js";
import type { AnswerFrame, Gateway } from "../../../native/gateway.js";
import { refusal, refusalText, result } from "./answer.js";
import type { AnswerTurns } from "./answer-turns.js";
import * as envelope from "./envelope.js";
import { parameter, type Route } from "./route.js";
import { parseStatistics } from "./topic-statistics.js";

const MILLISECONDS = 1000;

export const configRoute =
  (gateway: Gateway): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const config = parseConfig(query);
    if (typeof config === "string") return exchange.send(envelope.failure(config));
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      exchange.send(frame.op === Answer.RESULT ? envelope.SUCCESS : refusalText(frame));
    });
    gateway.request(Op.CONFIGURE, 0, packHead([topic, config]), undefined, onAnswer);
  };

/** The keys of CONFIGURE that gmq knows. */
interface Config {
  autoAck?: boolean;
  mode?: "exact" | "pattern";
  ttr?: number;
  retries?: number;
}

/** What the query sets, or what is wrong with it. A parameter that is missing or empty leaves its value as it is. */
const parseConfig = (query: string): Config | string => {
  const config: Config = {};
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
  (gateway: Gateway): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const bindKey = parameter(query, "bindKey") || DEFAULT_KEY;
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      exchange.send(declareAnswer(frame, bindKey));
    });
    gateway.request(Op.DECLARE_QUEUE, 0, packHead([topic, bindKey]), undefined, onAnswer);
  };

const declareAnswer = (frame: AnswerFrame, bindKey: string): string => {
  if (frame.op === Answer.CONFIRM) return envelope.DECLARED;
  return refusal(frame) === "QUEUE_EXISTS" ? envelope.hasExist(bindKey) : refusalText(frame);
};

/** Asks for the setting, then sets the other: two toggles at the same moment may both see the same, as in gmq. */
export const setIsAutoAckRoute =
  (gateway: Gateway, turns: AnswerTurns): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const onStatistics = exchange.guarded((statistics: AnswerFrame) => {
      if (statistics.op !== Answer.RESULT) return exchange.send(topicRefusal(statistics));
      const { autoAck } = parseStatistics(result(statistics));
      const onAnswer = exchange.guarded((frame: AnswerFrame) => {
        exchange.send(frame.op === Answer.RESULT ? envelope.SUCCESS : refusalText(frame));
      });
      gateway.request(Op.CONFIGURE, 0, packHead([topic, { autoAck: !autoAck }]), undefined, onAnswer);
    });
    turns.request(Op.STATS, packHead([topic]), onStatistics);
  };

export const exitTopicRoute =
  (gateway: Gateway): Route =>
  (exchange, query) => {
    const topic = parameter(query, "topic");
    if (topic === "") return exchange.send(envelope.TOPIC_IS_EMPTY);
    const onAnswer = exchange.guarded((frame: AnswerFrame) => {
      exchange.send(frame.op === Answer.CONFIRM ? envelope.hasExited(topic) : topicRefusal(frame));
    });
    gateway.request(Op.DELETE_TOPIC, 0, packHead([topic]), undefined, onAnswer);
  };

/** The answer to a request about a topic that must be there. */
export const topicRefusal = (frame: AnswerFrame): string =>
  refusal(frame) === "NO_TOPIC" ? envelope.TOPIC_IS_NOT_EXIST : refusalText(frame);
