/** An id as the digits of a decimal number: written into bytes, and counted up, without a string. */

/** Digits of the largest. */
const MAX_DIGITS = 20;
const BILLION = 1_000_000_000;
const LIMB = 0x1_0000;
const BILLION_DIGITS = 9;
const ZERO = 0x30;
const NINE = 0x39;

export class DecimalId {
  /** Right-aligned. */
  readonly #digits = new Uint8Array(MAX_DIGITS);
  #start = MAX_DIGITS - 1;
  #high = -1;
  #low = -1;

  get length(): number {
    return MAX_DIGITS - this.#start;
  }

  /** Messages come one after the other: often this is the next. */
  set(high: number, low: number): void {
    if (high === this.#high && low === this.#low + 1) this.increment();
    else this.#divide(high, low);
    this.#high = high;
    this.#low = low;
  }

  /** Long division by 10^9 in 16-bit limbs, as in `formatId`. */
  #divide(high: number, low: number): void {
    const top = Math.floor(high / BILLION);
    const middle = (high % BILLION) * LIMB + (low >>> 16);
    const bottom = (middle % BILLION) * LIMB + (low & (LIMB - 1));
    let upper = (top * LIMB + Math.floor(middle / BILLION)) * LIMB + Math.floor(bottom / BILLION);
    let rest = bottom % BILLION;
    const digits = this.#digits;
    for (let at = MAX_DIGITS - 1; at >= MAX_DIGITS - BILLION_DIGITS; at--) {
      const next = (rest / 10) | 0;
      digits[at] = ZERO + rest - next * 10;
      rest = next;
    }
    let start = MAX_DIGITS - BILLION_DIGITS;
    // At most eleven digits: more than 32 bits.
    while (upper > 0) {
      const next = Math.floor(upper / 10);
      digits[--start] = ZERO + upper - next * 10;
      upper = next;
    }
    while (start < MAX_DIGITS - 1 && digits[start] === ZERO) start++;
    this.#start = start;
  }

  /** The id after it. */
  increment(): void {
    this.#low++;
    const digits = this.#digits;
    let at = MAX_DIGITS - 1;
    while (at >= this.#start && digits[at] === NINE) digits[at--] = ZERO;
    if (at >= this.#start) {
      digits[at] = (digits[at] ?? 0) + 1;
    } else if (at >= 0) {
      digits[at] = ZERO + 1;
      this.#start = at;
    }
  }

  /** Writes it to `at`; answers where it ends. */
  write(bytes: Uint8Array, at: number): number {
    const digits = this.#digits;
    let to = at;
    for (let from = this.#start; from < MAX_DIGITS; from++) bytes[to++] = digits[from] ?? 0;
    return to;
  }
}
