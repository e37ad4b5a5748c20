/** memmq's JSON answers: `{"code":…,"msg":…}`, where `code` is the HTTP status; a refusal has the broker's name of it too. */
import { ERRORS, type ErrorName } from "../../../../protocol/errors.js";
import type { RefusalBody } from "../../../ports/http/exchange.js";
import type { Refusal } from "../channels.js";

/** As memmq says it: "the request has succeeded". */
export const PUBLISHED = '{"code":200,"msg":"请求成功"}';

const BAD_REQUEST = "400 Bad Request";
const UNAUTHORIZED = "401 Unauthorized";
const FORBIDDEN = "403 Forbidden";
const TOO_LARGE = "413 Content Too Large";
const TOO_MANY_REQUESTS = "429 Too Many Requests";
const FAILED = "500 Internal Server Error";
const UNAVAILABLE = "503 Service Unavailable";
const NO_SPACE = "507 Insufficient Storage";

/** What the others are is told by whether the same may succeed later. */
const STATUSES: Partial<Readonly<Record<ErrorName, string>>> = {
  BAD_NAME: BAD_REQUEST,
  BAD_HEAD: BAD_REQUEST,
  BAD_PAYLOAD: BAD_REQUEST,
  BAD_CONFIG: BAD_REQUEST,
  UNAUTHORIZED,
  FORBIDDEN,
  NOT_ALLOWED: FORBIDDEN,
  MESSAGE_TOO_LARGE: TOO_LARGE,
  FRAME_TOO_LARGE: TOO_LARGE,
  MEMORY_FULL: NO_SPACE,
  DISK_FULL: NO_SPACE,
  TOO_MANY_TOPICS: NO_SPACE,
};

/** RFC 6455. */
const POLICY_VIOLATION = 1008;
const MESSAGE_TOO_BIG = 1009;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

/** A parameter is not what it may be: the same word as in `ringmq/client`. */
const BAD_ARGUMENT = "BAD_ARGUMENT";

export interface Answer {
  readonly status: string;
  readonly json: string;
}

const answer = (status: string, error: ErrorName | typeof BAD_ARGUMENT | undefined, text: string): Answer => ({
  status,
  json: JSON.stringify({ code: Number.parseInt(status, 10), error, msg: text }),
});

const statusOf = (kind: ErrorName): string => STATUSES[kind] ?? (ERRORS[kind].retryable ? UNAVAILABLE : FAILED);

export const refused = ({ kind, text }: Refusal): Answer => answer(statusOf(kind), kind, text);

/** A parameter or a body that is not what is taken. */
export const bad = (text: string): Answer => answer(BAD_REQUEST, BAD_ARGUMENT, text);

/** What those say who decide about a request before its path does. */
const AT_THE_DOOR: Readonly<Record<string, ErrorName | typeof BAD_ARGUMENT>> = {
  [BAD_REQUEST]: BAD_ARGUMENT,
  [UNAUTHORIZED]: "UNAUTHORIZED",
  [FORBIDDEN]: "FORBIDDEN",
  [TOO_MANY_REQUESTS]: "BUSY",
  [UNAVAILABLE]: "BUSY",
};

/** The same for a request that does not come as far as its path; a fault of the broker has no name. */
export const turnedAway: RefusalBody = (text, status) => answer(status, AT_THE_DOOR[status], text).json;

/** The code with which a WebSocket is closed whose publish or subscription is refused. */
export const closeCode = ({ kind }: Refusal): number => {
  const status = statusOf(kind);
  if (status === TOO_LARGE) return MESSAGE_TOO_BIG;
  if (status === BAD_REQUEST || status === FORBIDDEN || status === UNAUTHORIZED) return POLICY_VIOLATION;
  return ERRORS[kind].retryable ? TRY_AGAIN_LATER : INTERNAL_ERROR;
};

export const closeReason = ({ kind, text }: Refusal): string => `${kind}: ${text}`;
