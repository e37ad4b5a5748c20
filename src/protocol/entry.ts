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
export const WORD_BYTES = 4;
export const HAS_HEADERS = 0x8000_0000;
export const SIZE_MASK = 0x0fff_ffff;
/** Bits that must be 0. */
export const RESERVED_MASK = 0x7000_0000;
export const HEADERS_LENGTH_BYTES = 2;

/** Why entries are not valid; positive answers of `countEntries` are the number of messages. */
export const EntriesFault = { MALFORMED: -1, TOO_LARGE: -2, TOO_MANY: -3 } as const;

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
