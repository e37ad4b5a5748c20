/**
 * Message ids: 64 bits, held as two 32-bit words, and written as decimal strings wherever JavaScript or JSON can see
 * them.
 *
 * ```
 *   63   62                 22 21      12 11       0
 *  +---+----------------------+----------+----------+
 *  | 0 | milliseconds (41)    | node (10)| seq (12) |
 *  +---+----------------------+----------+----------+
 * ```
 */

/** 2024-01-01T00:00:00Z: 41 bits of milliseconds last until 2093. */
export const EPOCH = Date.UTC(2024, 0, 1);
export const SEQUENCES = 4096;
/** Of 1 to 1,024 the last is written as 0, which no node has. */
export const MAX_NODE_ID = 1024;
const NODES = 1024;
const NODE_SHIFT = 12;
const MILLISECOND_SHIFT = 22;
const WORD = 0x1_0000_0000;
const BILLION = 1_000_000_000;
const LIMB = 0x1_0000;

/** The high word of the ids of a millisecond since EPOCH. */
export const idHigh = (millisecond: number): number => Math.floor(millisecond / 1024);

/** The low word of the first id of a millisecond on a node. */
export const idLow = (millisecond: number, node: number): number =>
  (((millisecond % 1024) << MILLISECOND_SHIFT) | ((node % NODES) << NODE_SHIFT)) >>> 0;

/** When an id was made: milliseconds since 1970. */
export const idTime = (high: number, low: number): number => EPOCH + high * 1024 + (low >>> MILLISECOND_SHIFT);

/** An id without its node, exact in a double. It orders the ids of one broker and counts within a millisecond. */
export const idOrder = (high: number, low: number): number =>
  (high * 1024 + (low >>> MILLISECOND_SHIFT)) * SEQUENCES + (low & (SEQUENCES - 1));

/** An id in decimal: long division by 10^9 in 16-bit limbs, exact without BigInt. */
export const formatId = (high: number, low: number): string => {
  const top = Math.floor(high / BILLION);
  const middle = (high % BILLION) * LIMB + (low >>> 16);
  const bottom = (middle % BILLION) * LIMB + (low & (LIMB - 1));
  const quotient = (top * LIMB + Math.floor(middle / BILLION)) * LIMB + Math.floor(bottom / BILLION);
  const rest = bottom % BILLION;
  return quotient === 0 ? String(rest) : String(quotient) + String(rest).padStart(9, "0");
};

/** A decimal id as its two words, or undefined when it is not an unsigned 64-bit number. */
export const parseId = (text: string): { high: number; low: number } | undefined => {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  let high = 0;
  let low = 0;
  for (let i = 0; i < text.length; i++) {
    const next = low * 10 + (text.charCodeAt(i) - 48);
    low = next % WORD;
    high = high * 10 + Math.floor(next / WORD);
  }
  return high < WORD ? { high, low } : undefined;
};
