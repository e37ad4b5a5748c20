/** The lines of a lane, which all end alike: read as bytes, without a string. */

const POP = Buffer.from("pop");
const ACK = Buffer.from("ack ");
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;

/** Digits of the largest id. */
const MAX_DIGITS = 20;
const WORD = 0x1_0000_0000;

export class LaneLines {
  /** The id of the ack that was read last. */
  idHigh = 0;
  idLow = 0;
  /** The space before the topic, and all behind it. */
  readonly #tail: Uint8Array;

  constructor(tail: Uint8Array) {
    this.#tail = tail;
  }

  /** Where the pop that stands at `at` ends; -1: there is none. */
  popAt(bytes: Buffer, at: number, end: number): number {
    const tail = at + POP.length;
    return stands(POP, bytes, at, end) && stands(this.#tail, bytes, tail, end) ? tail + this.#tail.length : -1;
  }

  /** Where the ack that stands at `start` ends; -1: there is none, or its id is no number of 64 bits. */
  ackAt(bytes: Buffer, start: number, end: number): number {
    if (!stands(ACK, bytes, start, end)) return -1;
    let at = start + ACK.length;
    const stop = Math.min(end, at + MAX_DIGITS);
    let high = 0;
    let low = 0;
    for (; at < stop; at++) {
      const byte = bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      const next = low * 10 + (byte - ZERO);
      const carry = next < WORD ? 0 : Math.floor(next / WORD);
      low = next - carry * WORD;
      high = high * 10 + carry;
    }
    const hasDigits = at > start + ACK.length;
    if (!hasDigits || bytes[at] !== SPACE || high >= WORD || !stands(this.#tail, bytes, at, end)) return -1;
    this.idHigh = high;
    this.idLow = low;
    return at + this.#tail.length;
  }
}

/** Whether `text` stands at `at`. */
const stands = (text: Uint8Array, bytes: Buffer, at: number, end: number): boolean => {
  if (end - at < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
};
