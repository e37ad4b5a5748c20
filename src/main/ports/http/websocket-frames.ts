/**
 * Binary messages of a server, as they lie on the wire (RFC 6455, 5.2): whole, not masked, not compressed.
 *
 * ```
 *  0          1                    2             4            10
 *  +----------+--------------------+-------------+------------+
 *  | 0x82     | n, or 126, or 127  | n, if 126   | n, if 127  | the message
 *  +----------+--------------------+-------------+------------+
 * ```
 */
import { copyBytes } from "../../../channel/copy-bytes.js";
import type { EntryRanges } from "./entry-ranges.js";

/** The last and only frame of its message; binary. */
const BINARY = 0x82;
const MAX_SHORT = 125;
const MAX_MEDIUM = 0xffff;
const MEDIUM = 126;
const LONG = 127;
const WORD = 2 ** 32;

const headBytes = (length: number): number => (length <= MAX_SHORT ? 2 : length <= MAX_MEDIUM ? 4 : 10);

/** A frame for each body. */
export const framesOf = (entries: EntryRanges): Buffer => {
  const { bytes } = entries;
  let size = 0;
  entries.each((start, end) => {
    size += headBytes(end - start) + end - start;
  });
  const frames = Buffer.allocUnsafe(size);
  if (bytes === undefined) return frames;
  let at = 0;
  entries.each((start, end) => {
    at = writeHead(frames, at, end - start);
    copyBytes(frames, at, bytes, start, end);
    at += end - start;
  });
  return frames;
};

const writeHead = (frames: Buffer, at: number, length: number): number => {
  frames[at] = BINARY;
  if (length <= MAX_SHORT) return frames.writeUInt8(length, at + 1);
  if (length <= MAX_MEDIUM) {
    frames[at + 1] = MEDIUM;
    return frames.writeUInt16BE(length, at + 2);
  }
  frames[at + 1] = LONG;
  frames.writeUInt32BE(Math.floor(length / WORD), at + 2);
  return frames.writeUInt32BE(length % WORD, at + 6);
};
