/** What the query strings of memmq's paths say. */
import { MAX_NAME_BYTES } from "../../../../protocol/limits.js";
import { OVERFLOWS, type Overflow } from "../../../../protocol/subscribe-options.js";
import type { SubscribeOptions } from "../../../native/session-pushes.js";

/** A parameter that cannot be taken; its text says which and why. */
export class ParameterError extends Error {
  override readonly name = "ParameterError";
}

export interface PublishQuery {
  readonly topic: string;
  /** Empty: none. */
  readonly key: string;
}

export interface SubscribeQuery {
  readonly topic: string;
  readonly options: SubscribeOptions;
  readonly format: "raw" | "json";
}

/** Control characters, which no name has. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

const isTooLong = (name: string): boolean => name.length > MAX_NAME_BYTES || Buffer.byteLength(name) > MAX_NAME_BYTES;

/** What stands for bytes that are no UTF-8, and how one that is meant is written. */
const REPLACEMENT = "\uFFFD";
const MEANT = /%ef%bf%bd|\ufffd/i;

/** All names in another encoding would become the same few. */
const checkText = (what: string, text: string, query: string): void => {
  if (text.includes(REPLACEMENT) && !MEANT.test(query)) throw new ParameterError(`${what} is not UTF-8`);
};

const topicOf = (parameters: URLSearchParams, query: string): string => {
  const topic = parameters.get("topic") ?? "";
  if (topic === "") throw new ParameterError("topic is missing: /pub?topic=NAME, /sub?topic=NAME");
  if (isTooLong(topic)) throw new ParameterError(`topic is longer than ${MAX_NAME_BYTES} bytes`);
  checkText("topic", topic, query);
  if (CONTROL.test(topic)) throw new ParameterError("topic has a control character");
  return topic;
};

/** @throws ParameterError */
export const publishQuery = (query: string): PublishQuery => {
  const parameters = new URLSearchParams(query);
  const key = parameters.get("key") ?? "";
  if (isTooLong(key)) throw new ParameterError(`key is longer than ${MAX_NAME_BYTES} bytes`);
  checkText("key", key, query);
  return { topic: topicOf(parameters, query), key };
};

/** The same for publishers that say the same again and again, as nearly all do. */
export class PublishQueries {
  #query: string | undefined;
  #last: PublishQuery = { topic: "", key: "" };

  /** @throws ParameterError */
  get(query: string): PublishQuery {
    if (query !== this.#query) {
      this.#last = publishQuery(query);
      this.#query = query;
    }
    return this.#last;
  }
}

/** @throws ParameterError */
export const subscribeQuery = (query: string): SubscribeQuery => {
  const parameters = new URLSearchParams(query);
  const format = parameters.get("format") ?? "raw";
  if (format !== "raw" && format !== "json") throw new ParameterError(`format is raw or json, not ${shown(format)}`);
  return { topic: topicOf(parameters, query), options: optionsOf(parameters), format };
};

const optionsOf = (parameters: URLSearchParams): SubscribeOptions => {
  const from = fromOf(parameters.get("from"));
  const position = numberOf("position", parameters.get("position"));
  const epoch = parameters.get("epoch") ?? undefined;
  if (epoch !== undefined && !/^\d{1,20}$/.test(epoch)) throw new ParameterError("epoch is not a decimal number");
  if (epoch !== undefined && position === undefined) throw new ParameterError("epoch needs a position beside it");
  if (from !== undefined && position !== undefined) throw new ParameterError("from and position exclude each other");
  const recover = recoverOf(parameters.get("recover"));
  // With `from` or a position the answer tells where the subscription begins.
  const start = position === undefined ? { from: from ?? "now" } : { position, epoch };
  return { overflow: overflowOf(parameters.get("overflow")), ...start, recover };
};

const overflowOf = (text: string | null): Overflow => {
  if (text === null) return "drop-oldest";
  const overflow = OVERFLOWS.find((name) => name === text);
  if (overflow === undefined)
    throw new ParameterError(`overflow is one of ${OVERFLOWS.join(", ")}, not ${shown(text)}`);
  return overflow;
};

const fromOf = (text: string | null): SubscribeOptions["from"] => {
  if (text === null) return undefined;
  if (text === "now" || text === "start") return text;
  const time = numberOf("from", text, "now, start, or milliseconds since 1970");
  return time;
};

const recoverOf = (text: string | null): boolean | undefined => {
  if (text === null) return undefined;
  if (text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  throw new ParameterError(`recover is 0 or 1, not ${shown(text)}`);
};

const numberOf = (name: string, text: string | null, what = "a whole number"): number | undefined => {
  if (text === null) return undefined;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new ParameterError(`${name} is ${what}, not ${shown(text)}`);
  return number;
};

/** Longer values are cut in error texts. */
const MAX_SHOWN = 64;

const shown = (text: string): string => JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
