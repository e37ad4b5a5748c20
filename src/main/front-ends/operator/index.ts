/** What operators ask over HTTP. Each path is a request of docs/protocol.md, whose RESULT is the answer, as JSON. */
import { ERRORS } from "../../../protocol/errors.js";
import { packHead, unpackHead } from "../../../protocol/head.js";
import { Answer, Op, WITH_FAILURES } from "../../../protocol/op.js";
import type { AnswerFrame } from "../../native/answer-frame.js";
import { confirmedCount, refusal, refusalMessage, result } from "../../native/answer-reading.js";
import type { HttpEntrance, HttpHandler } from "../../ports/http/entrance.js";
import { type HttpExchange, JSON_TYPE } from "../../ports/http/exchange.js";
import type { HttpSessions } from "../../ports/http/sessions.js";
import { countOf, flagOf, idOf, nameOf, numberOf, type Query, QueryError, queryOf } from "./query.js";
import { shownMessages } from "./shown-messages.js";

/** A request, as a query asks for it. Throws QueryError. */
interface Asked {
  readonly op: number;
  readonly head: readonly unknown[];
  readonly flags?: number;
  readonly payload?: Uint8Array;
}

/** By path, then by method. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, (query: Query) => Asked>>>> = {
  "/connections": {
    get: (query) => ({ op: Op.CONNECTIONS, head: [countOf(query, "after"), countOf(query, "max")] }),
    delete: (query) => ({ op: Op.CLOSE_CONNECTION, head: [numberOf(query, "id")] }),
  },
  "/dead-groups": {
    get: (query) => ({ op: Op.DEAD_GROUPS, head: [nameOf(query, "topic"), query.get("queue"), countOf(query, "max")] }),
  },
  "/delayed": {
    get: (query) => ({
      op: Op.DELAYED,
      head: [
        nameOf(query, "topic"),
        query.get("queue"),
        countOf(query, "buckets"),
        countOf(query, "from"),
        countOf(query, "to"),
      ],
    }),
  },
  "/explain": {
    get: (query) => ({ op: Op.EXPLAIN, head: [nameOf(query, "topic"), query.get("queue"), query.get("route")] }),
  },
  "/find": {
    get: (query) => ({
      op: Op.FIND,
      flags: WITH_FAILURES,
      head: [
        nameOf(query, "topic"),
        query.get("queue"),
        query.get("state"),
        countOf(query, "max"),
        countOf(query, "maxBytes"),
        query.get("after"),
        {
          header: query.get("header"),
          value: query.get("value"),
          text: query.get("text"),
          ignoreCase: flagOf(query, "ignoreCase") ?? null,
          routeKey: query.get("route"),
        },
      ],
    }),
  },
  "/history": {
    get: (query) => {
      const { high, low } = idOf(query, "id");
      return { op: Op.HISTORY, head: [nameOf(query, "topic"), high, low] };
    },
  },
  "/consumers": {
    get: (query) => ({
      op: Op.CONSUMERS,
      head: [countOf(query, "shard") ?? 0, countOf(query, "after"), countOf(query, "max")],
    }),
  },
};

/** Adds the paths. */
export const installOperatorHttp = (entrance: HttpEntrance, sessions: HttpSessions): void => {
  for (const [path, methods] of Object.entries(ROUTES)) {
    const handle: HttpHandler = (exchange, request) => {
      const route = methods[request.method];
      if (route === undefined) throw new Error("the entrance lets no other method in");
      try {
        ask(exchange, sessions, route(queryOf(request.query)));
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
        refuse(exchange, "400 Bad Request", "BAD_QUERY", error.message);
      }
    };
    entrance.add(path, handle, { methods: Object.keys(methods) });
  }
};

const ask = (exchange: HttpExchange, sessions: HttpSessions, { op, head, flags = 0, payload }: Asked): void => {
  // None of them holds anything, so nobody has to cancel it.
  const session = sessions.shared(exchange.caller);
  session.request(
    op,
    flags,
    packHead(head),
    payload,
    exchange.guarded((frame: AnswerFrame) => answer(exchange, frame)),
  );
};

const answer = (exchange: HttpExchange, frame: AnswerFrame): void => {
  if (frame.op === Answer.RESULT) return exchange.send(JSON.stringify(result(frame)));
  if (frame.op === Answer.MESSAGES) return exchange.send(JSON.stringify(found(frame)));
  if (frame.op === Answer.CONFIRM) return exchange.send(JSON.stringify({ count: confirmedCount(frame) }));
  const code = refusal(frame) ?? "UNKNOWN_ERROR";
  refuse(exchange, statusOf(code), code, refusalMessage(frame));
};

const found = (frame: AnswerFrame): object => {
  const [cursor, scanned, scannedBytes, state] = unpackHead(frame.bytes, frame.headStart, frame.headEnd);
  return { cursor, scanned, scannedBytes, state, messages: shownMessages(frame) };
};

const refuse = (exchange: HttpExchange, status: string, code: string, text: string): void =>
  exchange.reply(status, JSON_TYPE, JSON.stringify({ error: { code, text } }));

const NOT_FOUND: ReadonlySet<string> = new Set(["NO_TOPIC", "NO_QUEUE", "UNKNOWN_MESSAGE"]);

const statusOf = (code: string): string => {
  if (NOT_FOUND.has(code)) return "404 Not Found";
  if (code === "UNAUTHORIZED") return "401 Unauthorized";
  if (code === "FORBIDDEN") return "403 Forbidden";
  if (code.startsWith("BAD_")) return "400 Bad Request";
  const isRetryable = Object.hasOwn(ERRORS, code) && ERRORS[code as keyof typeof ERRORS].retryable;
  return isRetryable ? "503 Service Unavailable" : "500 Internal Server Error";
};
