/** A text that is looked for in bytes: Knuth, Morris and Pratt's search, whose cost is linear in the bytes, whatever they are. */

/** For each byte what it is compared as. */
const EXACT = Uint8Array.from({ length: 256 }, (_, byte) => byte);
/** Capital letters of ASCII are as good as small ones. */
const CASELESS = EXACT.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

export class Needle {
  readonly #bytes: Uint8Array;
  readonly #compared: Uint8Array;
  /** For each beginning of the text how long its longest other beginning is that it ends with. */
  readonly #borders: Uint8Array;

  /** `bytes`: 1 to 255 of them. */
  constructor(bytes: Uint8Array, ignoresCase = false) {
    this.#compared = ignoresCase ? CASELESS : EXACT;
    this.#bytes = bytes.map((byte) => this.#compared[byte] as number);
    this.#borders = new Uint8Array(bytes.length);
    for (let i = 1, border = 0; i < bytes.length; i++) {
      border = this.#next(border, this.#bytes[i] as number);
      this.#borders[i] = border;
    }
  }

  /** How many bytes it has. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Whether it is in [start, end). */
  isIn(bytes: Uint8Array, start: number, end: number): boolean {
    return this.search(bytes, start, end, 0) === this.length;
  }

  /** How much of it stands at the end of [start, end), in front of which `before` of it did; `length`: it is there. */
  search(bytes: Uint8Array, start: number, end: number, before: number): number {
    const compared = this.#compared;
    const wanted = this.#bytes;
    let found = before;
    for (let at = start; at < end; at++) {
      const byte = compared[bytes[at] as number] as number;
      if (byte === wanted[found]) found++;
      else if (found > 0) found = this.#next(found, byte);
      if (found === wanted.length) return found;
    }
    return found;
  }

  /** How much of the text is found with one more byte, when `found` bytes of it were. */
  #next(found: number, byte: number): number {
    let length = found;
    while (length > 0 && this.#bytes[length] !== byte) length = this.#borders[length - 1] as number;
    return this.#bytes[length] === byte ? length + 1 : 0;
  }
}
