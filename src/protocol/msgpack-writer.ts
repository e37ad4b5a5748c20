/**
 * Encodes msgpack in its shortest form. A value that would not decode to itself is refused, not converted: `unpack`
 * returns what `MsgpackWriter` was given, except that a bigint within ±2^53 becomes the equal number.
 */
import { ByteWriter } from "./byte-writer.js";
import { MAX_DEPTH, MsgpackError, Pack, PROTOTYPE_KEY, WORD } from "./msgpack.js";

const encoder = new TextEncoder();

/** A lone surrogate, which has no UTF-8 encoding. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** UTF-16 units up to which text is tried as ASCII first, because a call of the encoder costs more. */
const SHORT = 24;

const FIRST_BYTES = 4 * 1024;

/** Whether it is a plain object: `{}` of any realm, or an object without a prototype. */
const isPlain = (value: object): value is Readonly<Record<string, unknown>> => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (typeof prototype === "object" && Object.getPrototypeOf(prototype) === null);
};

const nameOf = (value: object): string => {
  const maker: unknown = value.constructor;
  return typeof maker === "function" && maker.name !== "" ? maker.name.slice(0, 64) : "class instance";
};

export class MsgpackWriter extends ByteWriter {
  /** Refuses text with lone surrogates; otherwise U+FFFD replaces them. */
  readonly #isStrict: boolean;
  /** Fails beyond this many bytes. */
  readonly #maxBytes: number;
  /** Refuses more arrays and maps within one another. */
  readonly #maxDepth: number;

  constructor(isStrict: boolean, maxBytes = Number.POSITIVE_INFINITY, maxDepth = MAX_DEPTH) {
    super(FIRST_BYTES);
    this.#isStrict = isStrict;
    this.#maxBytes = maxBytes;
    this.#maxDepth = maxDepth;
  }

  /** Bytes written. */
  get length(): number {
    return this.end;
  }

  /** A copy of the bytes written. The writer can be used again. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.end);
    this.end = 0;
    return taken;
  }

  array(length: number): void {
    this.#header(length, Pack.FIXARRAY, 16, Pack.ARRAY16);
  }

  map(size: number): void {
    this.#header(size, Pack.FIXMAP, 16, Pack.MAP16);
  }

  /**
   * Writes a value that is inside `depth` arrays and maps. Throws MsgpackError for values that msgpack does not carry.
   */
  value(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        return this.text(value);
      case "number":
        return this.#number(value);
      case "boolean":
        return this.#byte(value ? Pack.TRUE : Pack.FALSE);
      case "bigint":
        return this.#bigint(value);
      case "object":
        if (value === null) return this.#byte(Pack.NIL);
        return this.#object(value, depth);
      default:
        throw new MsgpackError(`a value of type ${typeof value} cannot be sent`);
    }
  }

  text(text: string): void {
    if (text.length > this.#maxBytes) throw new TooLong();
    if (this.#isStrict && LONE_SURROGATE.test(text)) {
      throw new MsgpackError("text with half a surrogate pair cannot be sent");
    }
    if (text.length <= SHORT && this.#ascii(text)) return;
    const max = text.length * 3;
    // The width of the length field depends on the length: leave room for the widest, then move the text if need be.
    const room = 5;
    this.reserve(room + max);
    const start = this.end + room;
    const { written } = encoder.encodeInto(text, this.bytes.subarray(start, start + max));
    if (written < 32) this.#byte(Pack.FIXSTR + written);
    else this.#count(Pack.STR8, written);
    this.bytes.copyWithin(this.end, start, start + written);
    this.#advance(written);
  }

  /** Writes the text if it is ASCII. False: it is not. */
  #ascii(text: string): boolean {
    this.reserve(1 + text.length);
    const at = this.end + 1;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      this.bytes[at + i] = unit;
    }
    this.#byte(Pack.FIXSTR + text.length);
    this.#advance(text.length);
    return true;
  }

  #number(value: number): void {
    // −0 is not the integer 0.
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) return this.#float(value);
    if (value >= 0) {
      if (value < Pack.FIXMAP) this.#byte(value);
      else if (value < WORD) this.#count(Pack.UINT8, value);
      else this.#long(Pack.UINT64, Math.floor(value / WORD), value % WORD);
    } else if (value >= -32) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#sized(Pack.INT8, 1, value);
    else if (value >= -0x8000) this.#sized(Pack.INT16, 2, value);
    else if (value >= -0x8000_0000) this.#sized(Pack.INT32, 4, value);
    else {
      const high = Math.floor(value / WORD);
      this.#long(Pack.INT64, high, value - high * WORD);
    }
  }

  #float(value: number): void {
    this.reserve(9);
    this.bytes[this.end] = Pack.FLOAT64;
    this.view.setFloat64(this.end + 1, value);
    this.#advance(9);
  }

  #bigint(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return this.#number(Number(value));
    this.reserve(9);
    if (BigInt.asUintN(64, value) === value) {
      this.bytes[this.end] = Pack.UINT64;
      this.view.setBigUint64(this.end + 1, value);
    } else if (BigInt.asIntN(64, value) === value) {
      this.bytes[this.end] = Pack.INT64;
      this.view.setBigInt64(this.end + 1, value);
    } else throw new MsgpackError("an integer of more than 64 bits cannot be sent");
    this.#advance(9);
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array) return this.#binary(value);
    const isArray = Array.isArray(value);
    if (!isArray && !isPlain(value)) {
      throw new MsgpackError(`a ${nameOf(value)} cannot be sent: plain objects, arrays and Uint8Array can`);
    }
    if (depth === this.#maxDepth) {
      throw new MsgpackError(`values within one another are at most ${this.#maxDepth} deep, and none is within itself`);
    }
    if (isArray) this.#elements(value, depth);
    else this.object(value, depth);
  }

  #elements(value: readonly unknown[], depth: number): void {
    this.array(value.length);
    for (let i = 0; i < value.length; i++) this.value(value[i], depth + 1);
  }

  /**
   * Writes a map of the keys whose value is not undefined. `failed` is called with a key whose value is refused; it
   * throws.
   */
  object(
    value: Readonly<Record<string, unknown>>,
    depth: number,
    failed?: (key: string, error: MsgpackError) => never,
  ): void {
    const keys = Object.keys(value);
    // Each value is read once: a getter may return something else the next time.
    const values = keys.map((key) => value[key]);
    let size = 0;
    for (const each of values) if (each !== undefined) size++;
    this.map(size);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? "";
      if (values[i] === undefined) continue;
      try {
        if (key === PROTOTYPE_KEY) throw new MsgpackError(`the key ${PROTOTYPE_KEY} cannot be sent`);
        this.text(key);
        this.value(values[i], depth + 1);
      } catch (error) {
        if (failed === undefined || !(error instanceof MsgpackError)) throw error;
        failed(key, error);
      }
    }
  }

  #binary(value: Uint8Array): void {
    const { length } = value;
    if (length > this.#maxBytes) throw new TooLong();
    this.#count(Pack.BIN8, length);
    this.reserve(length);
    this.bytes.set(value, this.end);
    this.#advance(length);
  }

  /** Writes a count in 8, 16 or 32 bits, whose first bytes follow one another. */
  #count(first: number, count: number): void {
    if (count <= 0xff) this.#sized(first, 1, count);
    else if (count <= 0xffff) this.#sized(first + 1, 2, count);
    else this.#sized(first + 2, 4, count);
  }

  /** Writes a count: `fixed` + count below `most`, otherwise in 16 bits, or in 32 with the next first byte. */
  #header(count: number, fixed: number, max: number, wide: number): void {
    if (count < max) this.#byte(fixed + count);
    else if (count <= 0xffff) this.#sized(wide, 2, count);
    else this.#sized(wide + 1, 4, count);
  }

  #byte(byte: number): void {
    this.reserve(1);
    this.bytes[this.end] = byte;
    this.#advance(1);
  }

  #sized(first: number, bytes: 1 | 2 | 4, value: number): void {
    this.reserve(1 + bytes);
    const at = this.end + 1;
    this.bytes[this.end] = first;
    if (bytes === 1) this.view.setUint8(at, value);
    else if (bytes === 2) this.view.setUint16(at, value);
    else this.view.setUint32(at, value);
    this.#advance(1 + bytes);
  }

  #long(first: number, high: number, low: number): void {
    this.reserve(9);
    this.bytes[this.end] = first;
    this.view.setUint32(this.end + 1, high);
    this.view.setUint32(this.end + 5, low);
    this.#advance(9);
  }

  #advance(bytes: number): void {
    this.end += bytes;
    if (this.end > this.#maxBytes) throw new TooLong();
  }
}

/** The encoding would take more than `maxBytes`. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}
