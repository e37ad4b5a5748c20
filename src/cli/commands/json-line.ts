/** A line of `ringmq publish --json-lines`. */
import type { Body, Headers, PublishOptions } from "../../client/index.js";

export interface PublishedLine {
  readonly body: Body;
  readonly options: PublishOptions;
}

export class BadLine extends Error {
  override readonly name = "BadLine";
}

/** `ringmq consume --json` prints the others, which say nothing about a new message. */
const KNOWN = ["body", "bodyBase64", "key", "delay", "ttl", "headers", "messageKey", "keyWindow"];
const IGNORED = ["id", "retry", "time", "deadReason", "failures", "deadline"];

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const bodyOf = ({ body, bodyBase64 }: Readonly<Record<string, unknown>>): Body => {
  if (bodyBase64 !== undefined) {
    if (body !== undefined) throw new BadLine("it has body and bodyBase64: one is enough");
    if (typeof bodyBase64 === "string" && bodyBase64.length % 4 === 0 && BASE64.test(bodyBase64)) {
      return Buffer.from(bodyBase64, "base64");
    }
    throw new BadLine("bodyBase64 must be base64");
  }
  if (typeof body === "string") return body;
  if (body === undefined) throw new BadLine("it has no body");
  try {
    // A structured body is what JSON says it is.
    return JSON.stringify(body);
  } catch {
    throw new BadLine("its body is nested too deeply");
  }
};

const strict = new TextDecoder("utf-8", { fatal: true });

const textOf = (line: Uint8Array): string => {
  try {
    return strict.decode(line);
  } catch {
    throw new BadLine("it is no UTF-8");
  }
};

/** None where there are none, or `ringmq consume --json` could not read them. */
const headersOf = ({ headers }: Readonly<Record<string, unknown>>): Headers | undefined => {
  if (headers === undefined || headers === null) return undefined;
  if (typeof headers !== "object" || Array.isArray(headers)) throw new BadLine("headers must be an object");
  return headers as Headers;
};

/** `defaults`: what the line may leave out. @throws BadLine */
export const parseJsonLine = (line: Uint8Array, defaults: PublishOptions): PublishedLine => {
  const text = textOf(line);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadLine(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new BadLine("it is no JSON object");
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const unknown = Object.keys(fields).find((name) => !KNOWN.includes(name) && !IGNORED.includes(name));
  if (unknown !== undefined) {
    throw new BadLine(`it has ${JSON.stringify(unknown.slice(0, 60))}, which is none of ${KNOWN.join(", ")}`);
  }
  const { key = defaults.routeKey, delay = defaults.delay, ttl = defaults.ttl } = fields;
  const { messageKey, keyWindow = messageKey === undefined ? undefined : defaults.keyWindow } = fields;
  const headers = headersOf(fields);
  return {
    body: bodyOf(fields),
    // The client checks what is in them.
    options: {
      routeKey: key as string | undefined,
      delay: delay as number | undefined,
      ttl: ttl as number | undefined,
      key: messageKey as string | undefined,
      keyWindow: keyWindow as number | undefined,
      headers: headers === undefined ? defaults.headers : { ...defaults.headers, ...headers },
    },
  };
};
