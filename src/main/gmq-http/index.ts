/** gmq's HTTP API on a broker: which path does what. docs/compatibility.md tells what each takes and answers. */
import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { MAX_MESSAGE_BYTES } from "../../protocol/limits.js";
import type { Gateway } from "../gateway.js";
import { configRoute, declareQueueRoute, exitTopicRoute, setIsAutoAckRoute } from "./admin.js";
import { Exchange } from "./exchange.js";
import { ackRoute, popRoute } from "./pop-ack.js";
import { PushRoute } from "./push.js";
import type { Route } from "./route.js";
import { allTopicStatRoute, queuesRoute, topicStatRoute } from "./statistics.js";
import { UnsentAnswers } from "./unsent-answers.js";

export interface GmqHttpContext {
  /** Shards of the broker: /getAllTopicStat asks each. */
  readonly shards: number;
  /** The largest message, in bytes. */
  readonly maxMessageBytes?: number;
}

/** Adds the paths to an app. Any other path is the app's to answer: 404 and `not found`, as in gmq. */
export const installGmqHttp = (app: TemplatedApp, gateway: Gateway, context: GmqHttpContext): void => {
  const push = new PushRoute(gateway, context.maxMessageBytes ?? MAX_MESSAGE_BYTES);
  add(app, "/push", (response, request) => push.handle(response, request));
  add(app, "/ping", (response) => response.writeHeader("Content-Type", "text/plain; charset=utf-8").end("OK"));

  const unsent = new UnsentAnswers();
  const routes: Readonly<Record<string, Route>> = {
    "/pop": popRoute(gateway, unsent),
    "/ack": ackRoute(gateway),
    "/config": configRoute(gateway),
    "/declareQueue": declareQueueRoute(gateway),
    "/setIsAutoAck": setIsAutoAckRoute(gateway),
    "/exitTopic": exitTopicRoute(gateway),
    "/getTopicStat": topicStatRoute(gateway),
    "/getQueuesByTopic": queuesRoute(gateway),
    "/getAllTopicStat": allTopicStatRoute(gateway, context.shards),
  };
  for (const [path, route] of Object.entries(routes)) {
    add(app, path, (response, request) => route(new Exchange(response, unsent), request.getQuery()));
  }
};

/** gmq does not look at the method; HEAD alone does nothing here, because its answer would be lost. */
const add = (
  app: TemplatedApp,
  path: string,
  handler: (response: HttpResponse, request: HttpRequest) => void,
): void => {
  app.head(path, (response) => {
    response.endWithoutBody();
  });
  app.any(path, handler);
};
