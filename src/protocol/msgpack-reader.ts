/**
 * Decodes untrusted msgpack, at a cost linear in its bytes: counts are checked against the remaining bytes before
 * anything is allocated, nesting is limited, there are no references, and error texts do not include the value. The
 * result shares no memory with the bytes.
 */
import { MAX_DEPTH, MsgpackError, Pack, PROTOTYPE_KEY, WORD } from "./msgpack.js";
import { readStrictText } from "./text.js";

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;
  /** Values that may still follow. */
  #values: number;
  readonly #maxDepth: number;

  constructor(bytes: Uint8Array, start: number, end: number, maxValues: number, maxDepth: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = start;
    this.#end = end;
    this.#values = maxValues;
    this.#maxDepth = maxDepth;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** Reads the next value. `depth`: the arrays and maps around it. */
  value(depth: number): unknown {
    if (this.#values-- === 0) throw new MsgpackError("too many values");
    const byte = this.#unsigned(1);
    if (byte < Pack.FIXMAP) return byte;
    if (byte < Pack.FIXARRAY) return this.#map(byte - Pack.FIXMAP, depth);
    if (byte < Pack.FIXSTR) return this.#array(byte - Pack.FIXARRAY, depth);
    if (byte < Pack.NIL) return this.#text(byte - Pack.FIXSTR);
    if (byte >= Pack.NEGATIVE) return byte - 256;
    switch (byte) {
      case Pack.NIL:
        return null;
      case Pack.FALSE:
        return false;
      case Pack.TRUE:
        return true;
      // The first bytes of one kind follow one another, each with a count of twice as many bytes.
      case Pack.BIN8:
      case Pack.BIN16:
      case Pack.BIN32:
        return this.#binary(this.#unsigned(1 << (byte - Pack.BIN8)));
      case Pack.STR8:
      case Pack.STR16:
      case Pack.STR32:
        return this.#text(this.#unsigned(1 << (byte - Pack.STR8)));
      case Pack.ARRAY16:
      case Pack.ARRAY32:
        return this.#array(this.#unsigned(2 << (byte - Pack.ARRAY16)), depth);
      case Pack.MAP16:
      case Pack.MAP32:
        return this.#map(this.#unsigned(2 << (byte - Pack.MAP16)), depth);
      default:
        return this.#number(byte);
    }
  }

  #number(byte: number): number | bigint {
    switch (byte) {
      case Pack.FLOAT32:
        return this.#view.getFloat32(this.#skip(4));
      case Pack.FLOAT64:
        return this.#view.getFloat64(this.#skip(8));
      case Pack.UINT8:
      case Pack.UINT16:
      case Pack.UINT32:
        return this.#unsigned(1 << (byte - Pack.UINT8));
      case Pack.UINT64:
        return this.#long(false);
      case Pack.INT8:
        return this.#view.getInt8(this.#skip(1));
      case Pack.INT16:
        return this.#view.getInt16(this.#skip(2));
      case Pack.INT32:
        return this.#view.getInt32(this.#skip(4));
      case Pack.INT64:
        return this.#long(true);
      default:
        throw new MsgpackError("an extension, or a byte that begins no value");
    }
  }

  /** A 64-bit integer: a number if that is exact, else a bigint. */
  #long(isSigned: boolean): number | bigint {
    const at = this.#skip(8);
    const high = isSigned ? this.#view.getInt32(at) : this.#view.getUint32(at);
    const value = high * WORD + this.#view.getUint32(at + 4);
    if (Number.isSafeInteger(value)) return value;
    return isSigned ? this.#view.getBigInt64(at) : this.#view.getBigUint64(at);
  }

  #text(length: number): string {
    const at = this.#skip(length);
    const text = readStrictText(this.#bytes, at, this.#at);
    if (text === undefined) throw new MsgpackError("text that is not UTF-8");
    return text;
  }

  #binary(length: number): Uint8Array {
    const at = this.#skip(length);
    // Not `slice`: the `slice` of a Buffer is not a copy.
    return new Uint8Array(this.#bytes.subarray(at, this.#at));
  }

  #array(length: number, depth: number): unknown[] {
    this.#enter(length, depth);
    const array: unknown[] = [];
    for (let i = 0; i < length; i++) array.push(this.value(depth + 1));
    return array;
  }

  #map(size: number, depth: number): Record<string, unknown> {
    this.#enter(size * 2, depth);
    const map: Record<string, unknown> = {};
    for (let i = 0; i < size; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw new MsgpackError("a key that is not a string");
      if (key === PROTOTYPE_KEY) throw new MsgpackError(`the key ${PROTOTYPE_KEY}`);
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  /** Checks a count: each value takes at least one byte. */
  #enter(values: number, depth: number): void {
    if (depth === this.#maxDepth) throw new MsgpackError(`arrays and maps more than ${this.#maxDepth} deep`);
    if (values > this.#end - this.#at) throw new MsgpackError("cut short");
    if (values > this.#values) throw new MsgpackError("too many values");
  }

  /** Skips bytes and returns where they begin. */
  #skip(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw new MsgpackError("cut short");
    this.#at = at + bytes;
    return at;
  }

  /** Of 1, 2 or 4 bytes. */
  #unsigned(bytes: number): number {
    const at = this.#skip(bytes);
    if (bytes === 1) return this.#bytes[at] ?? 0;
    return bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }
}

/**
 * Decodes [start, end), which must be exactly one value. Integers beyond ±2^53 become bigints, binary a Uint8Array.
 * Throws MsgpackError, whose text says what was found.
 */
export const unpack = (
  bytes: Uint8Array,
  start: number,
  end: number,
  maxValues = Number.POSITIVE_INFINITY,
  maxDepth = MAX_DEPTH,
): unknown => {
  const reader = new Reader(bytes, start, end, maxValues, maxDepth);
  const value = reader.value(0);
  if (!reader.isAtEnd) throw new MsgpackError("bytes behind the end");
  return value;
};
