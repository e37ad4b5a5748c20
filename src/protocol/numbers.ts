/**
 * What the payload of a PUBLISH begins with whose producer has numbered its messages, before the entries.
 *
 * ```
 *  0            8            16
 *  +------------+------------+----
 *  | sequence   | answered   | entries
 *  | u64        | u64        |
 *  +------------+------------+----
 * ```
 *
 * `sequence` is the number of the first message; the others follow. The producer has had the answers to all numbers below
 * `answered`. Both are exact in a double.
 */
const WORD = 0x1_0000_0000;

export const SEQUENCE = 0;
export const ANSWERED = 8;
export const NUMBERS_BYTES = 16;

/** Reads one of the two. What is too large for a double to hold is `Infinity`. */
export const readNumber = (view: DataView, at: number): number => {
  const value = view.getUint32(at) * WORD + view.getUint32(at + 4);
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
};

export const writeNumber = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, Math.floor(value / WORD));
  view.setUint32(at + 4, value % WORD);
};
