/**
 * The frame of the native protocol.
 *
 * ```
 *  0          4      5       6        8            12           12+H
 *  +----------+------+-------+--------+------------+------------+----------+
 *  | length   | op   | flags | H      | request    | head       | payload  |
 *  | u32      | u8   | u8    | u16    | u32        | H bytes    |          |
 *  +----------+------+-------+--------+------------+------------+----------+
 * ```
 */
import { ByteWriter } from "./byte-writer.js";

export const LENGTH = 0;
export const OP = 4;
export const FLAGS = 5;
export const HEAD_LENGTH = 6;
export const REQUEST = 8;
export const HEAD = 12;

/** Bytes of the length field, which does not count itself. */
export const LENGTH_BYTES = 4;

/** The fixed part that the length field counts: the length of a frame with neither head nor payload. */
export const MIN_LENGTH = HEAD - LENGTH_BYTES;

/** The longest head that its length field allows. */
export const MAX_HEAD_BYTES = 0xffff;

/** Writes frames. A connection or a shard keeps one writer for its whole life. */
export class FrameWriter extends ByteWriter {
  #frame = 0;

  constructor(capacity = 64 * 1024) {
    super(capacity);
  }

  /** Begins a frame, which `close` ends. RangeError: the head is longer than its length field allows. */
  open(op: number, flags: number, request: number, head: Uint8Array): void {
    if (head.length > MAX_HEAD_BYTES) throw new RangeError(`a head of ${head.length} bytes is too long`);
    this.reserve(HEAD + head.length);
    this.#frame = this.end;
    const at = this.end;
    this.view.setUint8(at + OP, op);
    this.view.setUint8(at + FLAGS, flags);
    this.view.setUint16(at + HEAD_LENGTH, head.length);
    this.view.setUint32(at + REQUEST, request);
    if (head.length > 0) this.bytes.set(head, at + HEAD);
    this.end = at + HEAD + head.length;
  }

  /** Appends raw payload. */
  append(source: Uint8Array, start = 0, end = source.length): void {
    const n = end - start;
    this.reserve(n);
    this.bytes.set(n === source.length ? source : source.subarray(start, end), this.end);
    this.end += n;
  }

  /** Ends the frame that `open` began. */
  close(): void {
    this.view.setUint32(this.#frame, this.end - this.#frame - LENGTH_BYTES);
  }

  /** Discards the frame that `open` began. */
  abandon(): void {
    this.end = this.#frame;
  }

  /** The bytes written so far: a view, valid until the next write. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.end);
  }

  clear(): void {
    this.end = 0;
  }
}
