/** Small inputs that cost much to whoever reads them without care. */
import { FrameWriter } from "../../../src/protocol/frame.js";
import { packHead } from "../../../src/protocol/head.js";

/** A frame whose head is any bytes. */
export const rawFrame = (op: number, request: number, head: Uint8Array, payload = new Uint8Array(0)): Buffer => {
  const writer = new FrameWriter(64);
  writer.open(op, 0, request, head);
  writer.append(payload);
  writer.close();
  return Buffer.from(writer.written());
};

/** The extensions with which msgpackr's structured clones say "this value has a number" and "the value of that number". */
const NUMBERED = 0x69;
const REFERENCE = 0x70;

const extension = (type: number, id: number): readonly number[] => [0xd6, type, 0, 0, 0, id];

/**
 * Arrays of which each holds the one before twice, as references, and a byte too many behind them: what a decoder that
 * follows references makes of it has 2^depth leaves when it is written out. `[lead…, arrays]` in msgpack.
 */
export const referenceBomb = (lead: readonly unknown[], depth = 60): Uint8Array => {
  const first = packHead(lead).subarray(1);
  const arrays: number[] = [0xdc, 0, depth];
  for (let id = 0; id < depth; id++) {
    arrays.push(...extension(NUMBERED, id), 0x92);
    if (id === 0) arrays.push(1, 1);
    else arrays.push(...extension(REFERENCE, id - 1), ...extension(REFERENCE, id - 1));
  }
  return Uint8Array.from([0x90 + lead.length + 1, ...first, ...arrays, 0xc0]);
};

/** Arrays in arrays. */
export const nested = (depth: number): Uint8Array => Uint8Array.from([...new Array<number>(depth).fill(0x91), 0xc0]);

/** An entry whose headers are any bytes. */
export const entryWithHeaders = (headers: Uint8Array, body = "hostile"): Buffer => {
  const bytes = Buffer.alloc(6 + headers.length + body.length);
  bytes.writeUInt32BE((0x8000_0000 | (2 + headers.length + body.length)) >>> 0);
  bytes.writeUInt16BE(headers.length, 4);
  bytes.set(headers, 6);
  bytes.write(body, 6 + headers.length);
  return bytes;
};
