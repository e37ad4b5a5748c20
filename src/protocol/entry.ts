/**
 * Entries: messages one after another, as PUBLISH brings them, as the log keeps them and as MESSAGES delivers them.
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

/** Why entries are not valid; positive answers of `countEntries` are the number of messages. */
export const EntriesFault = { MALFORMED: -1, TOO_LARGE: -2, TOO_MANY: -3 } as const;

/** The longest headers that their length field can tell. */
export const MAX_HEADERS_BYTES = 0xffff;

const encoder = new TextEncoder();

/** UTF-16 units of text up to which room for the longest UTF-8 (3 bytes each) is cheaper to reserve than to count. */
const SHORT_TEXT = 16 * 1024;

/**
 * Appends one entry to a frame's payload. `headers` is a msgpack map, or empty for none. Text goes as UTF-8. The answer
 * is the size n; a caller that finds it above the limit takes the entry back by setting `end` to what it was.
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

/** Walks the entries in [start, end): how many there are, or an `EntriesFault`. */
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
