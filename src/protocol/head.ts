/**
 * Heads: the msgpack array at the front of a frame, whose first element routes it.
 */
import { ProtocolError } from "./errors.js";
import { MsgpackError } from "./msgpack.js";
import { unpack } from "./msgpack-reader.js";
import { MsgpackWriter } from "./msgpack-writer.js";

export const NO_HEAD = new Uint8Array(0);

/** The most values in a head, nested ones included: no request or answer has a tenth of this. */
const MAX_VALUES = 1024;

/** Bytes of the writer that is kept for the next head: few heads are longer. */
const KEPT_BYTES = 64 * 1024;

/** Undefined while in use: reading a value can run a getter that encodes another head. */
let idle: MsgpackWriter | undefined;

/** Encodes a head. The caller owns the result. Throws TypeError for values that msgpack does not carry. */
export const packHead = (head: readonly unknown[]): Uint8Array => {
  const writer = idle ?? new MsgpackWriter(false);
  idle = undefined;
  try {
    writer.array(head.length);
    for (let i = 0; i < head.length; i++) writer.value(head[i] ?? null, 1);
  } catch (error) {
    throw error instanceof MsgpackError ? new TypeError(error.message) : error;
  }
  const packed = writer.take();
  if (packed.length <= KEPT_BYTES) idle = writer;
  return packed;
};

const unpackArray = (bytes: Uint8Array, start: number, end: number, maxValues: number): readonly unknown[] => {
  if (start === end) return [];
  let head: unknown;
  try {
    head = unpack(bytes, start, end, maxValues);
  } catch (error) {
    if (!(error instanceof MsgpackError)) throw error;
    throw new ProtocolError("BAD_HEAD", `the head is not plain msgpack: ${error.message}`);
  }
  if (!Array.isArray(head)) throw new ProtocolError("BAD_HEAD", "the head is not an array");
  return head;
};

/** Decodes a head; no bytes stand for `[]`. Throws BAD_HEAD. */
export const unpackHead = (bytes: Uint8Array, start: number, end: number): readonly unknown[] =>
  unpackArray(bytes, start, end, MAX_VALUES);

/** Decodes the payload of RESULT: laid out as a head, without its limit on values. Throws BAD_HEAD. */
export const unpackResult = (bytes: Uint8Array, start: number, end: number): readonly unknown[] =>
  unpackArray(bytes, start, end, Number.POSITIVE_INFINITY);
