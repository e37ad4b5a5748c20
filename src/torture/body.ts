/**
 * Message bodies of a torture run. Each identifies its message, so that what arrives can be compared with what was
 * sent. Big-endian.
 *
 * ```
 *  0         4          8         12        16        20        24        32
 *  +---------+----------+---------+---------+---------+---------+---------+-----------+
 *  | magic   | checksum | run     | slot    | place   | length  | due     | filler    |
 *  | u32     | u32      | u32     | u32     | 3 bytes | u32     | f64     |           |
 *  +---------+----------+---------+---------+---------+---------+---------+-----------+
 * ```
 *
 * `checksum` is CRC-32 of everything behind it, `run` tells one torture from another, `slot` is where the ledger has
 * the message. The place is its topic (u16), the first of the topic's queues that it reaches (u8) and how many it
 * reaches from there on (u8), all by their places in the plan. `due` is when a delayed message may come at the earliest
 * (milliseconds since 1970; 0: at once).
 */
import { crc32 } from "node:zlib";

const MAGIC = 0x746f_7274;

const CHECKSUM = 4;
const RUN = 8;
const SLOT = 12;
const TOPIC = 16;
const FIRST = 18;
const COPIES = 19;
const LENGTH = 20;
const DUE = 24;
export const MIN_BODY_BYTES = 32;

export interface Body {
  readonly run: number;
  readonly slot: number;
  readonly topic: number;
  readonly first: number;
  readonly copies: number;
  readonly due: number;
}

/** A body of `length` bytes, at least MIN_BODY_BYTES. */
export const makeBody = ({ run, slot, topic, first, copies, due }: Body, length: number): Uint8Array => {
  const bytes = Buffer.alloc(length, slot & 0xff);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(run, RUN);
  bytes.writeUInt32BE(slot, SLOT);
  bytes.writeUInt16BE(topic, TOPIC);
  bytes.writeUInt8(first, FIRST);
  bytes.writeUInt8(copies, COPIES);
  bytes.writeUInt32BE(length, LENGTH);
  bytes.writeDoubleBE(due, DUE);
  bytes.writeUInt32BE(crc32(bytes.subarray(RUN)), CHECKSUM);
  return bytes;
};

/** Reads a body, or returns undefined if any byte of it has changed. */
export const readBody = (bytes: Uint8Array): Body | undefined => {
  if (bytes.length < MIN_BODY_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole =
    view.getUint32(0) === MAGIC &&
    view.getUint32(LENGTH) === bytes.length &&
    view.getUint32(CHECKSUM) === crc32(bytes.subarray(RUN));
  if (!isWhole) return undefined;
  return {
    run: view.getUint32(RUN),
    slot: view.getUint32(SLOT),
    topic: view.getUint16(TOPIC),
    first: view.getUint8(FIRST),
    copies: view.getUint8(COPIES),
    due: view.getFloat64(DUE),
  };
};
