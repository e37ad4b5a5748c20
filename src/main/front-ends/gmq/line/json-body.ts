/**
 * Bodies as the text of a JSON string, byte by byte: one of 16 MiB may need an escape for each of its bytes, and as a string
 * it would hold up everybody else. What is not UTF-8 becomes U+FFFD.
 */
import { isUtf8 } from "node:buffer";

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_LETTER = 0x61;
const ZERO = 0x30;
/** Set in each byte that is not ASCII. */
const NOT_ASCII = 0x80;

/** Up to here copying a byte at a time is faster than a call that copies them all. */
const FEW_BYTES = 48;

/** What stands behind the backslash, where that is one character. */
const SHORT = new Uint8Array(256);
for (const [byte, letter] of Object.entries({ 8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 92: "\\" }))
  SHORT[Number(byte)] = letter.charCodeAt(0);

/** Bytes that a byte takes beyond itself: one for `\n` and the like, five for `\u0001`. */
const EXTRA = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++)
  if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) EXTRA[byte] = SHORT[byte] === 0 ? 5 : 1;

/** One body at a time: `measure`, then `write`. */
export class JsonBody {
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #extra = 0;

  /** Takes the body in [start, end); answers how many bytes its text has, without quotes. */
  measure(bytes: Uint8Array, start: number, end: number): number {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    if (this.#scan() && !isUtf8(bytes.subarray(start, end))) this.#repair();
    return this.#end - this.#start + this.#extra;
  }

  /** Writes the text of the body to `at`, where there is room; answers where it ends. */
  write(to: Uint8Array, at: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const length = end - this.#start;
    let next = at;
    if (this.#extra > 0) {
      for (let from = this.#start; from < end; from++) {
        const byte = bytes[from] ?? 0;
        if (EXTRA[byte] === 0) to[next++] = byte;
        else next = escapeTo(to, next, byte);
      }
    } else if (length > FEW_BYTES) {
      to.set(bytes.subarray(this.#start, end), next);
      next += length;
    } else {
      for (let from = this.#start; from < end; from++) to[next++] = bytes[from] ?? 0;
    }
    return next;
  }

  /** Lets go of the body. */
  clear(): void {
    this.#bytes = NOTHING;
  }

  /** Counts what escapes add. True: some of it is not ASCII. */
  #scan(): boolean {
    const bytes = this.#bytes;
    let extra = 0;
    let all = 0;
    for (let at = this.#start; at < this.#end; at++) {
      const byte = bytes[at] ?? 0;
      all |= byte;
      extra += EXTRA[byte] ?? 0;
    }
    this.#extra = extra;
    return (all & NOT_ASCII) !== 0;
  }

  #repair(): void {
    // A `Buffer` reads shared memory too.
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#start, this.#end - this.#start);
    this.#bytes = Buffer.from(text.toString("utf8"));
    this.#start = 0;
    this.#end = this.#bytes.length;
  }
}

const NOTHING = new Uint8Array(0);

/** Writes the escape of a byte to `at`; answers where it ends. */
const escapeTo = (to: Uint8Array, at: number, byte: number): number => {
  let next = at;
  to[next++] = BACKSLASH;
  const short = SHORT[byte] ?? 0;
  if (short !== 0) {
    to[next++] = short;
    return next;
  }
  to[next++] = LETTER_U;
  to[next++] = ZERO;
  to[next++] = ZERO;
  to[next++] = hexDigit(byte >>> 4);
  to[next++] = hexDigit(byte & 0xf);
  return next;
};

const LETTER_U = 0x75;

const hexDigit = (value: number): number => (value < 10 ? ZERO + value : FIRST_LETTER + value - 10);
