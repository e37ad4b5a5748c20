/**
 * Entries: messages one after another, in the same layout in PUBLISH, in the log and in MESSAGES.
 *
 * ```
 *  0            4                     4+2+h              4+n
 *  +------------+---------------------+------------------+
 *  | word u32   | [h u16, h bytes]    | body             |
 *  +------------+---------------------+------------------+
 *    bit 31        headers are present
 *    bits 0–27     n: the bytes that follow the word
 * ```
 */
import type { FrameWriter } from "./frame.js";

export const WORD_BYTES = 4;
export const HAS_HEADERS = 0x8000_0000;
export const SIZE_MASK = 0x0fff_ffff;
/** Bits that must be 0. */
export const RESERVED_MASK = 0x7000_0000;
export const HEADERS_LENGTH_BYTES = 2;

/** Why entries are invalid: the negative results of `countEntries`. */
export const EntriesFault = { MALFORMED: -1, TOO_LARGE: -2, TOO_MANY: -3 } as const;

/** The longest headers that the length field allows. */
export const MAX_HEADERS_BYTES = 0xffff;

const encoder = new TextEncoder();

/** UTF-16 units of text up to which it is cheaper to reserve 3 bytes each than to count the UTF-8 bytes. */
const SHORT_TEXT = 16 * 1024;

/**
 * Appends one entry to a frame's payload. `headers` is a msgpack map, or empty for none. Text is written as UTF-8.
 * Returns the size n; a caller that finds it above the limit undoes the entry by resetting `end`.
 */
export const appendEntry = (writer: FrameWriter, headers: Uint8Array, body: Uint8Array | string): number => {
  const short = typeof body === "string" && body.length <= SHORT_TEXT;
  const content = typeof body === "string" && !short ? encoder.encode(body) : body;
  const bound = short ? content.length * 3 : content.length;
  const prefix = headers.length === 0 ? 0 : HEADERS_LENGTH_BYTES + headers.length;
  writer.reserve(WORD_BYTES + prefix + bound);
  const { bytes, view, end: start } = writer;
  let at = start + WORD_BYTES;
  if (prefix > 0) {
    view.setUint16(at, headers.length);
    bytes.set(headers, at + HEADERS_LENGTH_BYTES);
    at += prefix;
  }
  if (typeof content === "string") {
    if (bound > 0) at += encoder.encodeInto(content, bytes.subarray(at, at + bound)).written;
  } else {
    bytes.set(content, at);
    at += content.length;
  }
  const size = at - start - WORD_BYTES;
  view.setUint32(start, prefix > 0 ? size + HAS_HEADERS : size);
  writer.end = at;
  return size;
};

/** Where the entries after the first `count` begin, from `start` on; they have been checked. */
export const skipEntries = (view: DataView, start: number, count: number): number => {
  let at = start;
  for (let i = 0; i < count; i++) at += WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
  return at;
};

/** The number of entries in [start, end), or an `EntriesFault`. */
export const countEntries = (
  view: DataView,
  start: number,
  end: number,
  maxMessageBytes: number,
  maxMessages: number,
): number => {
  let at = start;
  let count = 0;
  while (at < end) {
    if (end - at < WORD_BYTES) return EntriesFault.MALFORMED;
    const word = view.getUint32(at);
    const size = word & SIZE_MASK;
    if ((word & RESERVED_MASK) !== 0 || size > end - at - WORD_BYTES) return EntriesFault.MALFORMED;
    if (size > maxMessageBytes) return EntriesFault.TOO_LARGE;
    if (word > SIZE_MASK) {
      if (size < HEADERS_LENGTH_BYTES) return EntriesFault.MALFORMED;
      const headers = view.getUint16(at + WORD_BYTES);
      if (headers > size - HEADERS_LENGTH_BYTES) return EntriesFault.MALFORMED;
    }
    at += WORD_BYTES + size;
    count++;
  }
  return count > maxMessages ? EntriesFault.TOO_MANY : count === 0 ? EntriesFault.MALFORMED : count;
};
