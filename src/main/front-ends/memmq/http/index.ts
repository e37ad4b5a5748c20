/** memmq over HTTP: `/pub` and `/sub`. docs/compatibility.md tells what each takes and answers. */
import { Losses } from "../../../../collections/losses.js";
import type { Log } from "../../../log.js";
import type { WaitingInput } from "../../../native/waiting-input.js";
import type { HttpRequest } from "../../../ports/http/engine.js";
import type { HttpEntrance, HttpHandler } from "../../../ports/http/entrance.js";
import { JSON_TYPE, type RefusalBody } from "../../../ports/http/exchange.js";
import type { Channels } from "../channels.js";
import { bad, refused } from "./answer.js";
import { PubRoute } from "./pub.js";
import { PubBatch } from "./pub-batch.js";
import { PubSocket } from "./pub-socket.js";
import { ParameterError, publishQuery, subscribeQuery } from "./query.js";
import { subscribeSocket, subscribeStream } from "./sub.js";

/** What is set apart for a WebSocket, which says little at a time, or nothing. */
const RESERVED_BYTES = 16 * 1024;

/** Payloads are all that subscribers of `format=raw` are sent. */
const TOO_SLOW =
  "subscribers that were too slow have lost messages; format=json tells them how many, overflow=block slows publishers down";

export interface MemmqHttpContext {
  readonly channels: Channels;
  /** Counts what of publishers waits to be published. */
  readonly waiting: WaitingInput;
  readonly limits: MemmqLimits;
  readonly log: Log;
  /** How those refuse a request who decide about it before its path does. */
  readonly refusal: RefusalBody;
}

export interface MemmqLimits {
  /** The largest message, and the largest request that publishes some, in bytes. */
  readonly maxMessageBytes: number;
  readonly maxFrameBytes: number;
  /** Messages that are published together at most. */
  readonly maxBatchMessages: number;
}

export const installMemmqHttp = (
  entrance: HttpEntrance,
  { channels, waiting, limits, log, refusal }: MemmqHttpContext,
): void => {
  const { maxMessageBytes, maxFrameBytes, maxBatchMessages } = limits;
  const pub = new PubRoute(channels, maxMessageBytes);
  const publishing = { batch: new PubBatch(maxFrameBytes, maxBatchMessages), waiting, maxMessageBytes };
  entrance.addWebSocket("/pub", { maxMessageBytes, reservedBytes: RESERVED_BYTES, refusal }, (request, refuse) =>
    orRefuse(refuse, () => {
      const query = publishQuery(request.query);
      return (client) => new PubSocket(publishing, query, client, channels.open("memmq publisher", client, client));
    }),
  );
  entrance.add(
    "/pub",
    checked((exchange, request) => {
      if (isUpgrade(request)) throw new ParameterError(NO_KEY);
      pub.handle(exchange, request);
    }),
    { publishes: true, refusal },
  );

  const context = { channels, losses: new Losses((losses) => log.warn(losses, TOO_SLOW)), log };
  entrance.addWebSocket(
    "/sub",
    { maxMessageBytes: RESERVED_BYTES, reservedBytes: RESERVED_BYTES, refusal },
    (request, refuse) =>
      orRefuse(refuse, () => {
        const query = subscribeQuery(request.query);
        return (client) => subscribeSocket(context, query, client);
      }),
  );
  entrance.add(
    "/sub",
    checked((exchange, request) => {
      const query = subscribeQuery(request.query);
      const noPlace = (text: string): string => refused({ kind: "TOO_MANY_CONNECTIONS", text }).json;
      entrance.stream(exchange, noPlace, (client) => subscribeStream(context, query, client));
    }),
    { refusal },
  );
};

/** Not `Upgrade`, which an engine may have taken away. */
const UPGRADE_HEADERS = ["sec-websocket-key", "sec-websocket-version"];

/** Of a WebSocket that could not be: a publisher that says its messages later would be told that it has published. */
const isUpgrade = (request: HttpRequest): boolean =>
  request.method === "get" && UPGRADE_HEADERS.some((name) => request.header(name) !== "");

const NO_KEY = "a WebSocket needs a Sec-WebSocket-Key of 24 characters; nothing was published";

const checked =
  (handler: HttpHandler): HttpHandler =>
  (exchange, request) =>
    orRefuse(
      (status, json) => exchange.reply(status, JSON_TYPE, json),
      () => handler(exchange, request),
    );

/** Answers a parameter that cannot be taken. */
const orRefuse = <T>(refuse: (status: string, json: string) => void, work: () => T): T | undefined => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    const { status, json } = bad(error.message);
    refuse(status, json);
    return undefined;
  }
};
