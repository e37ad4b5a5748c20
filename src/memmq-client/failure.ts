/**
 * Errors of servers, as the client's own.
 */
import { localError, OWN_CODES, RingmqError, type RingmqErrorCode } from "../client/base/error.js";
import { ERRORS } from "../protocol/errors.js";

const isCode = (name: string): name is RingmqErrorCode => Object.hasOwn(ERRORS, name) || Object.hasOwn(OWN_CODES, name);

/** A text of a server in an error's text. */
const MAX_TEXT = 300;

/** The code that a server's text begins with, as `BUSY: …`; undefined: none. */
export const refusalIn = (text: string): RingmqError | undefined => {
  const [, name = "", rest = ""] = /^([A-Z_]{3,40})(?::\s*|\s+|$)(.*)/s.exec(text.slice(0, MAX_TEXT)) ?? [];
  if (!isCode(name)) return undefined;
  return localError(name, rest === "" ? name : rest);
};

/** For a refusal that has no code of its own. */
export const refused = (code: RingmqErrorCode, text: string, retryable: boolean): RingmqError =>
  new RingmqError(code, text.slice(0, MAX_TEXT), retryable);

const codeOf = (error: unknown): string => {
  const { code, errors } = Object(error) as { readonly code?: unknown; readonly errors?: unknown };
  if (typeof code === "string") return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : "";
};

const messageOf = (error: unknown): string => {
  const { message } = Object(error) as { readonly message?: unknown };
  return typeof message === "string" && message !== "" ? message : codeOf(error) || "no reason was given";
};

const hintOf = (code: string, message: string, url: string): string => {
  const says = (pattern: RegExp): boolean => pattern.test(code) || pattern.test(message);
  if (says(/ECONNREFUSED/)) return "nothing listens there";
  if (says(/ENOTFOUND|EAI_AGAIN/)) return "there is no such host, or its name cannot be looked up now";
  if (says(/SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|self.signed|unable to (?:verify|get)/)) {
    return "nobody who is trusted here has signed its certificate; give that, or its authority's, as ca, or say insecure";
  }
  if (says(/ALTNAME_INVALID|does not match certificate/)) return "its certificate is for other names";
  if (says(/WRONG_VERSION|PACKET_LENGTH|wrong version|packet length/)) {
    return `it does not speak TLS; try ${url.replace("https:", "http:")}`;
  }
  return message;
};

/** CONNECT_FAILED: no connection could be made. */
export const connectFailure = (url: string, error: unknown): RingmqError =>
  error instanceof RingmqError
    ? error
    : localError("CONNECT_FAILED", `no connection to ${url}: ${hintOf(codeOf(error), messageOf(error), url)}`, error);

/** CONNECTION_CLOSED: a server that is there says nothing. */
export class NoAnswer extends RingmqError {
  constructor(url: string, within: number, cause?: unknown) {
    super("CONNECTION_CLOSED", `the connection to ${url} has ended: no answer within ${within} ms`, true, { cause });
  }
}

/** CONNECTION_CLOSED: it has ended before all was answered. */
export const connectionClosed = (url: string, why: string, cause?: unknown): RingmqError =>
  localError("CONNECTION_CLOSED", `the connection to ${url} has ended: ${why}`, cause);
