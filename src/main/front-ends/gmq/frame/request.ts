/**
 * A request of the first generation; all integers are big-endian.
 *
 * ```
 *  0        4        6        8            8+C          8+C+D
 *  +--------+--------+--------+------------+------------+
 *  | 'v111' | C: i16 | D: i16 | command: C | data: D    |
 *  +--------+--------+--------+------------+------------+
 * ```
 */

export const MAGIC: readonly number[] = [0x76, 0x31, 0x31, 0x31];
const COMMAND_LENGTH = 4;
const DATA_LENGTH = 6;
const HEADER = 8;

/** The longest command that there is. */
const MAX_COMMAND_BYTES = 4;

/** Data of a request or an answer: its length is a signed 16-bit integer. */
export const MAX_DATA_BYTES = 0x7fff;

export const BAD_MAGIC = "a request begins with v111";
export const NEGATIVE_LENGTH = "a length is negative";

/** Whether as many bytes of [start, end) as there are of the first four are those of a request. */
export const startsWithMagic = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let i = 0; i < MAGIC.length && start + i < end; i++) if (bytes[start + i] !== MAGIC[i]) return false;
  return true;
};

/** The request that was read last: one object is used again and again. */
export class Request {
  /** Empty: none of those that there are. */
  command = "";
  /** The data: [start, end). */
  start = 0;
  end = 0;

  /** Reads the request at `start`. False: it is not whole. Text: why what comes is no request. */
  read(bytes: Buffer, start: number, end: number): boolean | string {
    if (!startsWithMagic(bytes, start, end)) return BAD_MAGIC;
    if (end - start < HEADER) return false;
    const commandLength = bytes.readInt16BE(start + COMMAND_LENGTH);
    const dataLength = bytes.readInt16BE(start + DATA_LENGTH);
    if (commandLength < 0 || dataLength < 0) return NEGATIVE_LENGTH;
    const dataStart = start + HEADER + commandLength;
    if (dataStart + dataLength > end) return false;
    const isShort = commandLength <= MAX_COMMAND_BYTES;
    this.command = isShort ? bytes.toString("latin1", start + HEADER, dataStart) : "";
    this.start = dataStart;
    this.end = dataStart + dataLength;
    return true;
  }
}
