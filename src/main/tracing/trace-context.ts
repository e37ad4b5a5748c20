/** `traceparent` and `tracestate` in the headers of messages, as W3C's Trace Context has them. */
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { unpackHeaders } from "../../protocol/headers.js";
import type { TraceContext } from "./spans.js";

/** What follows of a later version is not for us. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const NOTHING = /^0+$/;

/** Bit of the flags: whoever has begun the trace wants it to be seen. */
const SAMPLED = 1;

/** A longer one is left out: other systems cut it as well. */
const MAX_STATE = 512;

/** What nearly all messages of a broker have not, and what is found fast. */
const NEEDLE = Buffer.from("traceparent");

/** Whether there may be contexts in [start, end): what is asked before anything else. */
export const mayHaveContexts = (bytes: Uint8Array, start: number, end: number): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).includes(NEEDLE);

/** Undefined: there is none, or nobody wants to see it. */
export const parseContext = (traceparent: unknown, tracestate: unknown): TraceContext | undefined => {
  if (typeof traceparent !== "string") return undefined;
  const [, traceId = "", spanId = "", digits = "0"] = TRACEPARENT.exec(traceparent) ?? [];
  const flags = Number.parseInt(digits, 16);
  if (traceId === "" || NOTHING.test(traceId) || NOTHING.test(spanId) || (flags & SAMPLED) === 0) return undefined;
  const hasState = typeof tracestate === "string" && tracestate !== "" && tracestate.length <= MAX_STATE;
  return { traceId, spanId, flags, state: hasState ? tracestate : undefined };
};

const isOf = (one: TraceContext, other: TraceContext | undefined): boolean =>
  one.traceId === other?.traceId && one.spanId === other.spanId;

/**
 * Calls back for each run of consecutive entries in [start, end) that are of the same part of a trace: its context, and how many
 * they are behind how many others; until it is answered false. Entries that make no sense, which a shard will refuse, are where it
 * ends.
 */
export const eachContext = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  onContext: (context: TraceContext, first: number, count: number) => boolean,
): void => {
  if (!mayHaveContexts(bytes, start, end)) return;
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let current: TraceContext | undefined;
  let first = 0;
  let index = 0;
  // Of the entry before. Messages that are published together often have the same headers.
  let headers = 0;
  let headersEnd = 0;
  let context: TraceContext | undefined;
  for (let at = start; at + WORD_BYTES <= end; index++) {
    const word = view.getUint32(at);
    const next = at + WORD_BYTES + (word & SIZE_MASK);
    if (next > end) break;
    const from = at + WORD_BYTES;
    const to = word < HAS_HEADERS || from + HEADERS_LENGTH_BYTES > next ? from : headersEndOf(view, from, next);
    const isSame = to - from === headersEnd - headers && all.compare(all, headers, headersEnd, from, to) === 0;
    if (!isSame) context = contextIn(bytes, from + HEADERS_LENGTH_BYTES, to);
    if (!isSame && current !== undefined && !isOf(current, context)) {
      if (!onContext(current, first, index - first)) return;
      current = undefined;
    }
    if (current === undefined && context !== undefined) {
      current = context;
      first = index;
    }
    headers = from;
    headersEnd = to;
    at = next;
  }
  if (current !== undefined) onContext(current, first, index - first);
};

/** With their length in front of them. Of headers that reach beyond their entry: nowhere. */
const headersEndOf = (view: DataView, start: number, end: number): number => {
  const to = start + HEADERS_LENGTH_BYTES + view.getUint16(start);
  return to > end ? start : to;
};

const contextIn = (bytes: Uint8Array, start: number, end: number): TraceContext | undefined => {
  if (start >= end) return undefined;
  try {
    const { traceparent, tracestate } = unpackHeaders(bytes, start, end) as Readonly<Record<string, unknown>>;
    return parseContext(traceparent, tracestate);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
};
