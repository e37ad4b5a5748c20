/**
 * What an HTTP answer that is none of success says, as an error with a code.
 */
import type { RingmqError } from "../../client/base/error.js";
import { refusalIn, refused } from "../failure.js";

/** `{"code":"BUSY","msg":"…"}` of ringmq; memmq's servers have a text, or nothing. */
const told = (body: string): RingmqError | undefined => {
  try {
    const { code, error, msg } = Object(JSON.parse(body)) as Readonly<Record<"code" | "error" | "msg", unknown>>;
    const text = typeof msg === "string" ? msg : "";
    const name = [error, code].find((each) => typeof each === "string");
    return name === undefined ? refusalIn(text) : refusalIn(`${String(name)}: ${text}`);
  } catch {
    return undefined;
  }
};

const RETRYABLE = new Set([408, 425, 429, 500, 502, 503, 504]);

export const answerRefusal = (url: string, status: number, body: string): RingmqError => {
  const known = told(body);
  if (known !== undefined) return known;
  const isRetryable = RETRYABLE.has(status);
  const text = `${url} answers with HTTP ${status}${body === "" ? "" : `: ${body.trim()}`}`;
  if (status === 400) return refused("BAD_ARGUMENT", text, false);
  if (status === 401) return refused("UNAUTHORIZED", text, false);
  if (status === 403) return refused("FORBIDDEN", text, false);
  if (status === 413) return refused("MESSAGE_TOO_LARGE", text, false);
  if (status === 404) return refused("CONNECT_FAILED", `${text}: is that a server of memmq?`, true);
  return refused(isRetryable ? "BUSY" : "UNKNOWN_ERROR", text, isRetryable);
};
