/** How the files of the page are answered, and under which rules a browser runs them. */
import type { AnswerHead, HttpRequest } from "../ports/http/engine.js";
import type { HttpExchange } from "../ports/http/exchange.js";
import type { PageFile } from "./page-files.js";

/** Nothing but what comes from here, no code but that of its files, in no frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Of every answer below `/console`. */
export const HEADERS: AnswerHead["fields"] = [
  ["Content-Security-Policy", POLICY],
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
];

/** A file whose name changes with it is asked for once; the others are asked about each time. */
const FOR_EVER = "public, max-age=31536000, immutable";
const ASK_EACH_TIME = "no-cache";

export const sendFile = async (file: PageFile, exchange: HttpExchange, request: HttpRequest): Promise<void> => {
  const takesGzip = acceptsGzip(request.header("accept-encoding"));
  const known = request.header("if-none-match");
  const isHead = request.method === "head";
  const { plain, gzip } = await file.content();
  const { bytes, tag } = (takesGzip && gzip) || plain;
  const fields: (readonly [string, string])[] = [
    ...HEADERS,
    ["Cache-Control", file.isImmutable ? FOR_EVER : ASK_EACH_TIME],
    ["ETag", tag],
  ];
  if (gzip !== undefined) fields.push(["Vary", "Accept-Encoding"]);
  if (isKnown(known, tag)) return exchange.sendNothing("304 Not Modified", fields);
  if (bytes === gzip?.bytes) fields.push(["Content-Encoding", "gzip"]);
  if (isHead) return exchange.sendNothing(undefined, [["Content-Type", file.type], ...fields]);
  exchange.replyBytes(undefined, file.type, bytes, fields);
};

/** `gzip;q=0` refuses it. */
const acceptsGzip = (header: string): boolean =>
  header.split(",").some((coding) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(coding));

/** RFC 9110, 13.1.2: a weak comparison, with each of a list, or `*`. */
const isKnown = (header: string, tag: string): boolean =>
  header
    .split(",")
    .map((each) => each.trim().replace(/^W\//, ""))
    .some((each) => each === tag || each === "*");
