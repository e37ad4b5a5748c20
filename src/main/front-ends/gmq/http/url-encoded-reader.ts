/**
 * Hands on the first field `data` of an `application/x-www-form-urlencoded` body that comes in parts, decoded as
 * `formField` does, in one pass over the bytes: nothing is looked for twice, and no other field is kept.
 */
import type { ByteSink } from "../byte-sink.js";
import { hexDigit } from "../hex-digit.js";
import { DATA, type FormReader } from "./form-reader.js";

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

/** Each character of the name escaped; a longer name is another one. */
const MAX_NAME_BYTES = DATA.length * 3;

/** What is decoded is handed on in parts of this size: one for all, since each is taken at once. */
const decoded = new Uint8Array(64 * 1024);
/** Of an escape at the end of one part and no escape in the next, at most two bytes are late. */
const LATE_BYTES = 2;

/** Where the next byte is: in a name, in the value of the field, in the value of another, behind the field. */
const NAME = 0;
const VALUE = 1;
const SKIPPED = 2;
const PAST = 3;

export class UrlEncodedReader implements FormReader {
  readonly #sink: ByteSink;
  readonly #name = new Uint8Array(MAX_NAME_BYTES);
  #nameLength = 0;
  #place: number = NAME;
  /** Bytes of an escape that has begun: none, `%`, or `%` and the digit `#digit`. */
  #escape = 0;
  #digit = 0;
  /** Bytes in `decoded`. */
  #ready = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Begins a new form. */
  reset(): void {
    this.#nameLength = 0;
    this.#place = NAME;
    this.#escape = 0;
  }

  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#place !== PAST) {
      if (this.#place === VALUE) at = this.#readValue(bytes, at);
      else if (this.#place === NAME) at = this.#readName(bytes, at);
      else at = this.#skipValue(bytes, at);
    }
    this.#flush();
  }

  end(): boolean {
    if (this.#place === VALUE) {
      this.#breakEscape();
      this.#flush();
      return true;
    }
    return this.#place === PAST || (this.#place === NAME && this.#isData());
  }

  #readName(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === EQUALS) {
        this.#place = this.#isData() ? VALUE : SKIPPED;
        return at + 1;
      }
      if (byte === AMPERSAND) {
        // Without a value, which is one that is empty.
        if (this.#isData()) this.#place = PAST;
        this.#nameLength = 0;
        if (this.#place === PAST) return at;
      } else {
        if (this.#nameLength < MAX_NAME_BYTES) this.#name[this.#nameLength] = byte;
        this.#nameLength++;
      }
    }
    return bytes.length;
  }

  /** Compares byte by byte: there may be millions of names. */
  #isData(): boolean {
    if (this.#nameLength > MAX_NAME_BYTES) return false;
    const name = this.#name;
    let at = 0;
    for (let i = 0; i < DATA.length; i++) {
      if (at >= this.#nameLength) return false;
      let byte = name[at++];
      if (byte === PERCENT) {
        byte = hexDigit(name[at]) * 16 + hexDigit(name[at + 1]);
        at += 2;
      }
      if (byte !== DATA.charCodeAt(i)) return false;
    }
    return at === this.#nameLength;
  }

  #skipValue(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      if (bytes[at] !== AMPERSAND) continue;
      this.#place = NAME;
      this.#nameLength = 0;
      return at + 1;
    }
    return bytes.length;
  }

  #readValue(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#escape > 0 && this.#goOn(byte)) continue;
      if (byte === AMPERSAND) {
        this.#place = PAST;
        return at;
      }
      if (byte === PERCENT) this.#escape = 1;
      else this.#put(byte === PLUS ? SPACE : byte);
    }
    return bytes.length;
  }

  /** A byte behind a `%`. False: it is not of an escape, and what was begun stands for itself. */
  #goOn(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit < 0) {
      this.#breakEscape();
      return false;
    }
    if (this.#escape === 1) {
      this.#escape = 2;
      this.#digit = byte;
    } else {
      this.#escape = 0;
      this.#put(hexDigit(this.#digit) * 16 + digit);
    }
    return true;
  }

  #breakEscape(): void {
    if (this.#escape > 0) this.#put(PERCENT);
    if (this.#escape > 1) this.#put(this.#digit);
    this.#escape = 0;
  }

  #put(byte: number): void {
    decoded[this.#ready++] = byte;
    if (this.#ready > decoded.length - LATE_BYTES) this.#flush();
  }

  #flush(): void {
    const ready = this.#ready;
    this.#ready = 0;
    if (ready > 0) this.#sink.write(decoded, 0, ready);
  }
}
