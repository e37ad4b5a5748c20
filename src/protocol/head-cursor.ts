/**
 * Reads the elements of a head in place, one after another: numbers, booleans, nil, and where strings begin and end.
 * Every frame has a head, and decoding it to an array with a library costs ten times as much.
 *
 * The format is https://github.com/msgpack/msgpack/blob/master/spec.md.
 */
import { ProtocolError } from "./errors.js";
import { Pack, WORD } from "./msgpack.js";

/** The type of an element. OTHER: a map, an array, binary or an extension, which this cursor does not read. */
export const Kind = { NIL: 0, BOOLEAN: 1, NUMBER: 2, STRING: 3, OTHER: 4 } as const;

const malformed = (): ProtocolError => new ProtocolError("BAD_HEAD", "the head is not msgpack");

export class HeadCursor {
  /** Number of elements not read yet. */
  left = 0;
  /** The `Kind` of the element that `next` has read, and its value. */
  kind: number = Kind.NIL;
  number = 0;
  boolean = false;
  /** The bytes of a string: [start, end) of the head's buffer. */
  start = 0;
  end = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #stop = 0;

  /**
   * Goes to the beginning of the head in [start, end); no bytes stand for `[]`. Throws BAD_HEAD if it is not an array.
   */
  begin(view: DataView, start: number, end: number): void {
    this.#view = view;
    this.#at = start;
    this.#stop = end;
    this.left = 0;
    if (start === end) return;
    const byte = this.#take(1);
    if (byte >= Pack.FIXARRAY && byte < Pack.FIXSTR) this.left = byte - Pack.FIXARRAY;
    else if (byte === Pack.ARRAY16) this.left = this.#take(2);
    else if (byte === Pack.ARRAY32) this.left = this.#take(4);
    else throw new ProtocolError("BAD_HEAD", "the head is not an array");
  }

  /** Reads the next element, or nil after the last one. Nothing can be read after an element of kind OTHER. */
  next(): void {
    if (this.left === 0) {
      this.kind = Kind.NIL;
      return;
    }
    this.left--;
    const byte = this.#take(1);
    if (byte < Pack.FIXMAP) this.#isNumber(byte);
    else if (byte >= Pack.NEGATIVE) this.#isNumber(byte - 256);
    else if (byte >= Pack.FIXSTR && byte < Pack.NIL) this.#isString(byte - Pack.FIXSTR);
    else this.#long(byte);
  }

  #long(byte: number): void {
    switch (byte) {
      case Pack.NIL:
        this.kind = Kind.NIL;
        return;
      case Pack.FALSE:
      case Pack.TRUE:
        this.kind = Kind.BOOLEAN;
        this.boolean = byte === Pack.TRUE;
        return;
      case Pack.UINT8:
        return this.#isNumber(this.#take(1));
      case Pack.UINT16:
        return this.#isNumber(this.#take(2));
      case Pack.UINT32:
        return this.#isNumber(this.#take(4));
      case Pack.UINT64:
        return this.#isNumber(this.#take(4) * WORD + this.#take(4));
      case Pack.INT8:
        return this.#isNumber((this.#take(1) << 24) >> 24);
      case Pack.INT16:
        return this.#isNumber((this.#take(2) << 16) >> 16);
      case Pack.INT32:
        return this.#isNumber(this.#take(4) | 0);
      case Pack.INT64:
        return this.#isNumber((this.#take(4) | 0) * WORD + this.#take(4));
      case Pack.FLOAT32:
        return this.#isNumber(this.#view.getFloat32(this.#skip(4)));
      case Pack.FLOAT64:
        return this.#isNumber(this.#view.getFloat64(this.#skip(8)));
      case Pack.STR8:
        return this.#isString(this.#take(1));
      case Pack.STR16:
        return this.#isString(this.#take(2));
      case Pack.STR32:
        return this.#isString(this.#take(4));
      default:
        this.kind = Kind.OTHER;
        this.left = 0;
    }
  }

  #isNumber(value: number): void {
    this.kind = Kind.NUMBER;
    this.number = value;
  }

  #isString(length: number): void {
    this.kind = Kind.STRING;
    this.start = this.#skip(length);
    this.end = this.#at;
  }

  /** Skips bytes and returns where they begin. */
  #skip(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#stop - at) throw malformed();
    this.#at = at + bytes;
    return at;
  }

  /** Reads an unsigned integer of this many bytes. */
  #take(bytes: 1 | 2 | 4): number {
    const at = this.#skip(bytes);
    if (bytes === 1) return this.#view.getUint8(at);
    return bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }
}
