/** What the paths beside the files of the page take and answer: JSON, which nobody keeps. */
import { type BodyDeadlines, takeBody } from "../ports/http/body-intake.js";
import type { HttpRequest } from "../ports/http/engine.js";
import { type HttpExchange, JSON_TYPE } from "../ports/http/exchange.js";
import { HEADERS } from "./file-answers.js";

type Fields = typeof HEADERS;

export const JSON_HEADERS: Fields = [...HEADERS, ["Cache-Control", "no-store"]];

export const answerJson = (exchange: HttpExchange, value: unknown, fields: Fields = []): void =>
  exchange.reply(undefined, JSON_TYPE, JSON.stringify(value), [...JSON_HEADERS, ...fields]);

export const refuse = (exchange: HttpExchange, status: string, code: string, text: string): void =>
  exchange.reply(status, JSON_TYPE, JSON.stringify({ error: { code, text } }), JSON_HEADERS);

/**
 * Hands over the JSON of a body of at most `limit` bytes, undefined where it is none; refuses other types, which forms of any page
 * could send. To be called before the handler returns.
 */
export const takeJson = (
  exchange: HttpExchange,
  request: Pick<HttpRequest, "header">,
  deadlines: BodyDeadlines,
  limit: number,
  take: (value: unknown) => unknown,
): void => {
  if (!/^application\/json\s*(?:;|$)/i.test(request.header("content-type"))) {
    return refuse(exchange, "415 Unsupported Media Type", "BAD_CONTENT_TYPE", "the body has to be application/json");
  }
  const parts: Buffer[] = [];
  takeBody(exchange, deadlines, limit, () => ({
    // The bytes are the port's again.
    write: (bytes) => void parts.push(Buffer.from(bytes)),
    end: () => exchange.run(() => take(parsed(Buffer.concat(parts)))),
    tooLarge: () => refuse(exchange, "413 Content Too Large", "BAD_BODY", `the body is above ${limit} bytes`),
    release: () => {
      parts.length = 0;
    },
  }));
};

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
};
