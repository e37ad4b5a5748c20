/** gmq's line protocol, of its second and third generation, on the TCP port. docs/compatibility.md tells what it takes. */
import type { FrontEnd, Introduction } from "../../../ports/front-end.js";
import type { LineOptions } from "./client.js";
import { LineCodec } from "./codec.js";
import { errorResponse, OK } from "./responses.js";
import { lineEnd, wordsOf } from "./words.js";

const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;

/** First bytes of others: of gmq's first generation, and of HTTP, so that no web page speaks this protocol by a POST. */
const OTHERS = [
  "v111",
  ...["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"].map((method) => `${method} `),
];

const LONGEST = Math.max(...OTHERS.map((other) => other.length));

export const recognizesLine = (bytes: Uint8Array): boolean | undefined => {
  const [first] = bytes;
  if (first === undefined) return undefined;
  if (first < FIRST_PRINTABLE || first > LAST_PRINTABLE) return false;
  const text = Buffer.from(bytes.subarray(0, LONGEST)).toString("latin1");
  if (OTHERS.some((other) => text.startsWith(other))) return false;
  return OTHERS.some((other) => other.startsWith(text)) ? undefined : true;
};

const AUTH = "auth ";

/** `auth <token>`, as the first line. */
const introduction = (first: Buffer): Introduction | "partial" | undefined => {
  const begin = first.toString("latin1", 0, AUTH.length);
  if (!AUTH.startsWith(begin)) return undefined;
  const end = lineEnd(first, 0, first.length);
  if (end < 0) return "partial";
  const [, token = "", ...others] = wordsOf(first, 0, end);
  // Of more words none is right: whoever shows something is not taken for one who shows nothing.
  return { token: others.length === 0 ? token : "", end };
};

export const gmqLine = (options: LineOptions): FrontEnd => ({
  name: "gmq-line",
  recognizes: recognizesLine,
  refusal: errorResponse,
  introduction,
  welcome: OK,
  open: (session, client) => new LineCodec(session, client, options),
});
