/**
 * The head of CALLED and of ABANDONED, in which both numbers have a fixed place. It is plain msgpack.
 *
 * ```
 *  0      1      2          6      7          11
 *  +------+------+----------+------+----------+
 *  | 0x92 | 0xce | call     | 0xce | second   |
 *  |      |      | u32      |      | u32      |
 *  +------+------+----------+------+----------+
 *    second: of CALLED the milliseconds that are left, of ABANDONED an error code
 * ```
 */
import { ProtocolError } from "./errors.js";
import { unpackHead } from "./head.js";
import { Pack } from "./msgpack.js";

const CALL = 2;
const SECOND = 7;
export const CALL_HEAD_BYTES = 11;

const PAIR = Pack.FIXARRAY + 2;

export const writeCallHead = (view: DataView, at: number, call: number, second: number): void => {
  view.setUint8(at, PAIR);
  view.setUint8(at + CALL - 1, Pack.UINT32);
  view.setUint32(at + CALL, call);
  view.setUint8(at + SECOND - 1, Pack.UINT32);
  view.setUint32(at + SECOND, second);
};

export interface CallHead {
  readonly call: number;
  readonly second: number;
}

/** Reads the head in [start, end), in whatever form of msgpack. Throws BAD_HEAD. */
export const readCallHead = (bytes: Uint8Array, start: number, end: number): CallHead => {
  const [call, second] = unpackHead(bytes, start, end);
  if (typeof call !== "number" || typeof second !== "number") {
    throw new ProtocolError("BAD_HEAD", "the head of a call is not two numbers");
  }
  return { call, second };
};
