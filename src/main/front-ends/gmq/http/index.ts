/** gmq's HTTP API on a broker: which path does what. docs/compatibility.md tells what each takes and answers. */

import { MAX_MESSAGE_BYTES } from "../../../../protocol/limits.js";
import type { HttpEntrance } from "../../../ports/http/entrance.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import type { HttpSessions } from "../../../ports/http/sessions.js";
import { AnswerTurns } from "../answer-turns.js";
import { configRoute, declareQueueRoute, exitTopicRoute, setIsAutoAckRoute } from "./admin.js";
import { failure } from "./envelope.js";
import { ackRoute, popRoute } from "./pop-ack.js";
import { PushRoute } from "./push.js";
import { ParameterError, type Route } from "./route.js";
import { allTopicStatRoute, queuesRoute, topicStatRoute } from "./statistics.js";

export interface GmqHttpContext {
  /** Shards of the broker: /getAllTopicStat asks each. */
  readonly shards: number;
  /** The largest message, in bytes. */
  readonly maxMessageBytes?: number;
}

/** Adds the paths. Any other path is the listener's to answer: 404 and `not found`, as in gmq. */
export const installGmqHttp = (entrance: HttpEntrance, sessions: HttpSessions, context: GmqHttpContext): void => {
  const push = new PushRoute(sessions, context.maxMessageBytes ?? MAX_MESSAGE_BYTES);
  entrance.add("/push", (exchange, request) => push.handle(exchange, request), { publishes: true });
  // How clients of gmq ask whether a node is well.
  entrance.add("/ping", (exchange) => exchange.reply(undefined, "text/plain; charset=utf-8", "OK"), { isOpen: true });

  const turns = new AnswerTurns();
  const routes: Readonly<Record<string, Route>> = {
    "/pop": popRoute(sessions, entrance.unsent),
    "/ack": ackRoute(sessions),
    "/config": configRoute(sessions),
    "/declareQueue": declareQueueRoute(sessions),
    "/setIsAutoAck": setIsAutoAckRoute(sessions, turns),
    "/exitTopic": exitTopicRoute(sessions),
    "/getTopicStat": topicStatRoute(sessions, turns),
    "/getQueuesByTopic": queuesRoute(sessions, turns),
    "/getAllTopicStat": allTopicStatRoute(sessions, turns, context.shards),
  };
  for (const [path, route] of Object.entries(routes)) {
    entrance.add(path, (exchange, request) => run(route, exchange, request.query));
  }
};

const run = (route: Route, exchange: HttpExchange, query: string): unknown => {
  try {
    return route(exchange, query);
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    return exchange.send(failure(error.message));
  }
};
