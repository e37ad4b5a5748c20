/**
 * Reads one JSON object (RFC 8259) out of UTF-8 bytes that come in parts, in one pass and without keeping any of it: what
 * the members of the object are is told to a `MemberTarget` as it goes by, everything below them is only checked. A byte
 * costs the same whatever it is part of; nothing is made for what nobody wants.
 */
import type { ByteSink } from "./byte-sink.js";
import { hexDigit } from "./hex-digit.js";

/** What the value of a member is. */
export type ValueKind = "string" | "number" | "null" | "other";

export interface MemberTarget {
  /** A member of the object begins: `length` bytes of its name, good until it returns; of a long name the first ones. */
  member(name: Uint8Array, length: number): void;
  /** Its value begins. */
  value(kind: ValueKind): void;
  /** The next bytes of a string, unescaped, or of the digits of a number; good until it returns. */
  bytes(bytes: Uint8Array, start: number, end: number): void;
}

/** Names that mean something are shorter. */
const MAX_NAME_BYTES = 64;

/** Far more than people write, and little enough to be remembered for every request. */
const MAX_DEPTH = 64;

/** Where the next byte is. Of numbers there is one place for each that the grammar tells apart. */
const START = 0;
const FIRST_NAME = 1;
const NAME = 2;
const COLON = 3;
const VALUE = 4;
const FIRST_VALUE = 5;
const AFTER_VALUE = 6;
const END = 7;
const STRING = 8;
const ESCAPE = 9;
const HEX = 10;
const LITERAL = 11;
/** No byte may be here. */
const NOWHERE = 12;
const MINUS = 13;
const ZERO = 14;
const INTEGER = 15;
const POINT = 16;
const FRACTION = 17;
const EXPONENT = 18;
const EXPONENT_SIGN = 19;
const EXPONENT_DIGITS = 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const LETTER_U = 0x75;
const COLON_SIGN = 0x3a;
const MINUS_SIGN = 0x2d;
const PLUS_SIGN = 0x2b;
const DOT = 0x2e;
const DIGIT_0 = 0x30;

/** What a letter behind a backslash stands for; 0: nothing. */
const ESCAPES = new Uint8Array(256);
for (const [letter, meant] of Object.entries({
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
})) {
  ESCAPES[letter.charCodeAt(0)] = meant.charCodeAt(0);
}

const NULL = Buffer.from("null");
const LITERALS = [NULL, Buffer.from("true"), Buffer.from("false")];

const REPLACEMENT = 0xfffd;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isSpace = (byte: number): boolean => byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isExponent = (byte: number): boolean => (byte | 0x20) === 0x65;

export class JsonScanner implements ByteSink {
  readonly #target: MemberTarget;
  /** Of each open container, the outermost at 1: whether it is an object. */
  readonly #isObject = new Uint8Array(MAX_DEPTH + 1);
  readonly #name = new Uint8Array(MAX_NAME_BYTES);
  readonly #character = new Uint8Array(4);
  #depth = 0;
  #place = START;
  #nameLength = 0;
  /** The string is a name. */
  #isName = false;
  #literal: Uint8Array = new Uint8Array(0);
  /** Bytes of the literal, or digits behind `\u`, that have come. */
  #come = 0;
  #unit = 0;
  /** The first half of a surrogate pair, whose second half is still to come; 0: none. */
  #high = 0;
  /** Bytes before those of the current call. */
  #before = 0;
  #fault: string | undefined;

  constructor(target: MemberTarget) {
    this.#target = target;
  }

  /** Begins a new text. */
  reset(): void {
    this.#depth = 0;
    this.#place = START;
    this.#high = 0;
    this.#before = 0;
    this.#fault = undefined;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && this.#fault === undefined) {
      const place = this.#place;
      if (place === STRING) at = this.#readString(bytes, at, end);
      else if (place >= MINUS) at = this.#readNumber(bytes, at, end);
      else if (this.#take(bytes[at] ?? 0)) at++;
      else this.#refuse(bytes[at] ?? 0, this.#before + at - start);
    }
    this.#before += end - start;
  }

  /** No more comes. What is wrong with the text, for people; undefined when nothing is. */
  end(): string | undefined {
    if (this.#fault === undefined && this.#place !== END) return "data is not JSON: it ends too early";
    return this.#fault;
  }

  /** One byte outside of strings and numbers. False: it must not stand here. */
  #take(byte: number): boolean {
    switch (this.#place) {
      case ESCAPE:
        return this.#takeEscape(byte);
      case HEX:
        return this.#takeHex(byte);
      case LITERAL:
        return this.#takeLiteral(byte);
      case NOWHERE:
        return false;
    }
    if (isSpace(byte)) return true;
    switch (this.#place) {
      case START:
        return byte === OBJECT && this.#open(OBJECT);
      case FIRST_NAME:
        if (byte === OBJECT_END) return this.#close();
        return byte === QUOTE && this.#beginName();
      case NAME:
        return byte === QUOTE && this.#beginName();
      case COLON:
        this.#place = VALUE;
        return byte === COLON_SIGN;
      case FIRST_VALUE:
        return byte === ARRAY_END ? this.#close() : this.#beginValue(byte);
      case VALUE:
        return this.#beginValue(byte);
      case AFTER_VALUE:
        return this.#takeAfterValue(byte);
      default:
        return false;
    }
  }

  #takeAfterValue(byte: number): boolean {
    const isObject = this.#isObject[this.#depth] === 1;
    if (byte === COMMA) {
      this.#place = isObject ? NAME : VALUE;
      return true;
    }
    return byte === (isObject ? OBJECT_END : ARRAY_END) && this.#close();
  }

  #beginName(): boolean {
    this.#isName = true;
    this.#nameLength = 0;
    this.#place = STRING;
    return true;
  }

  #beginValue(byte: number): boolean {
    this.#isName = false;
    switch (byte) {
      case QUOTE:
        this.#place = STRING;
        this.#tell("string");
        return true;
      case OBJECT:
      case ARRAY:
        this.#tell("other");
        return this.#open(byte);
      case MINUS_SIGN:
        this.#place = MINUS;
        break;
      default:
        if (!isDigit(byte)) return this.#beginLiteral(byte);
        this.#place = byte === DIGIT_0 ? ZERO : INTEGER;
    }
    this.#tell("number");
    this.#character[0] = byte;
    this.#pass(this.#character, 0, 1);
    return true;
  }

  #beginLiteral(byte: number): boolean {
    for (const literal of LITERALS) {
      if (literal[0] !== byte) continue;
      this.#literal = literal;
      this.#come = 1;
      this.#place = LITERAL;
      this.#tell(literal === NULL ? "null" : "other");
      return true;
    }
    return false;
  }

  #takeLiteral(byte: number): boolean {
    if (byte !== this.#literal[this.#come]) return false;
    this.#come++;
    if (this.#come === this.#literal.length) this.#place = AFTER_VALUE;
    return true;
  }

  #open(byte: number): boolean {
    if (this.#depth === MAX_DEPTH) {
      this.#fault = `data is nested deeper than ${MAX_DEPTH}`;
      return true;
    }
    this.#depth++;
    this.#isObject[this.#depth] = byte === OBJECT ? 1 : 0;
    this.#place = byte === OBJECT ? FIRST_NAME : FIRST_VALUE;
    return true;
  }

  #close(): boolean {
    this.#depth--;
    this.#place = this.#depth === 0 ? END : AFTER_VALUE;
    return true;
  }

  #readString(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    let byte = SPACE;
    for (; at < end; at++) {
      byte = bytes[at] ?? 0;
      if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break;
    }
    if (at > from) {
      this.#breakPair();
      this.#pass(bytes, from, at);
    }
    if (at === end) return end;
    if (byte === BACKSLASH) {
      this.#place = ESCAPE;
      return at + 1;
    }
    if (byte === QUOTE) {
      this.#breakPair();
      this.#endString();
      return at + 1;
    }
    // To be refused there: control characters are escaped.
    this.#place = ESCAPE;
    return at;
  }

  #endString(): void {
    this.#place = this.#isName ? COLON : AFTER_VALUE;
    if (!this.#isName || this.#depth > 1) return;
    this.#target.member(this.#name, this.#nameLength);
  }

  #takeEscape(byte: number): boolean {
    if (byte === LETTER_U) {
      this.#place = HEX;
      this.#come = 0;
      this.#unit = 0;
      return true;
    }
    const meant = ESCAPES[byte] ?? 0;
    if (meant === 0) return false;
    this.#breakPair();
    this.#place = STRING;
    this.#character[0] = meant;
    this.#pass(this.#character, 0, 1);
    return true;
  }

  #takeHex(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit < 0) return false;
    this.#unit = this.#unit * 16 + digit;
    this.#come++;
    if (this.#come < 4) return true;
    this.#place = STRING;
    this.#takeUnit(this.#unit);
    return true;
  }

  /** A UTF-16 code unit. Half a pair without the other becomes U+FFFD, as when a string of JavaScript is encoded. */
  #takeUnit(unit: number): void {
    if (this.#high !== 0 && unit >= 0xdc00 && unit <= 0xdfff) {
      const character = 0x10000 + (this.#high - 0xd800) * 0x400 + (unit - 0xdc00);
      this.#high = 0;
      this.#passCharacter(character);
      return;
    }
    this.#breakPair();
    if (unit >= 0xd800 && unit <= 0xdbff) this.#high = unit;
    else this.#passCharacter(unit >= 0xdc00 && unit <= 0xdfff ? REPLACEMENT : unit);
  }

  #breakPair(): void {
    if (this.#high === 0) return;
    this.#high = 0;
    this.#passCharacter(REPLACEMENT);
  }

  #passCharacter(code: number): void {
    const bytes = this.#character;
    let length = 1;
    if (code < 0x80) {
      bytes[0] = code;
    } else if (code < 0x800) {
      length = 2;
      bytes[0] = 0xc0 | (code >> 6);
    } else if (code < 0x10000) {
      length = 3;
      bytes[0] = 0xe0 | (code >> 12);
    } else {
      length = 4;
      bytes[0] = 0xf0 | (code >> 18);
    }
    for (let i = 1; i < length; i++) bytes[i] = 0x80 | ((code >> (6 * (length - 1 - i))) & 0x3f);
    this.#pass(bytes, 0, length);
  }

  /** Up to the end of the number, which shows only at what is behind it. */
  #readNumber(bytes: Uint8Array, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const next = afterDigit(this.#place, bytes[at] ?? 0);
      if (next === this.#place) continue;
      if (next === AFTER_VALUE || next === START) {
        if (at > from) this.#pass(bytes, from, at);
        // A number that is not whole: what is behind it is refused there.
        this.#place = next === START ? NOWHERE : AFTER_VALUE;
        return at;
      }
      this.#place = next;
    }
    this.#pass(bytes, from, end);
    return end;
  }

  /** Tells the value of a member of the object. */
  #tell(kind: ValueKind): void {
    if (this.#depth === 1) this.#target.value(kind);
  }

  #pass(bytes: Uint8Array, start: number, end: number): void {
    if (this.#depth > 1) return;
    if (!this.#isName) return this.#target.bytes(bytes, start, end);
    for (let at = start; at < end && this.#nameLength < MAX_NAME_BYTES; at++) {
      this.#name[this.#nameLength++] = bytes[at] ?? 0;
    }
  }

  #refuse(byte: number, at: number): void {
    const isValue = this.#place === START && (byte === QUOTE || byte === ARRAY || byte === MINUS_SIGN || isDigit(byte));
    if (isValue || (this.#place === START && LITERALS.some(([first]) => first === byte))) {
      this.#fault = "data is not a JSON object";
      return;
    }
    const shown = byte > SPACE && byte < 0x7f ? String.fromCharCode(byte) : `byte 0x${byte.toString(16)}`;
    this.#fault = `data is not JSON: unexpected ${shown} at ${at}`;
  }
}

/** Where a number is after one more byte: `AFTER_VALUE` when it ended before it, `START` when it may not end there. */
const afterDigit = (place: number, byte: number): number => {
  switch (place) {
    case MINUS:
      if (!isDigit(byte)) return START;
      return byte === DIGIT_0 ? ZERO : INTEGER;
    case ZERO:
    case INTEGER:
      if (place === INTEGER && isDigit(byte)) return INTEGER;
      if (byte === DOT) return POINT;
      return isExponent(byte) ? EXPONENT : AFTER_VALUE;
    case POINT:
      return isDigit(byte) ? FRACTION : START;
    case FRACTION:
      if (isDigit(byte)) return FRACTION;
      return isExponent(byte) ? EXPONENT : AFTER_VALUE;
    case EXPONENT:
      if (byte === PLUS_SIGN || byte === MINUS_SIGN) return EXPONENT_SIGN;
      return isDigit(byte) ? EXPONENT_DIGITS : START;
    case EXPONENT_SIGN:
      return isDigit(byte) ? EXPONENT_DIGITS : START;
    default:
      return isDigit(byte) ? EXPONENT_DIGITS : AFTER_VALUE;
  }
};
