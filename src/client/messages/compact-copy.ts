/**
 * What waits to be read is a view of the piece of the stream that it came in, which stays as long as any of it waits.
 * Few messages out of many such pieces would hold far more than their own bytes: behind some that wait already, they
 * are copied.
 */

/** Frames that may wait as they came: of 64 KiB, which is what a socket reads at a time, these are 4 MiB. */
const AS_THEY_CAME = 64;

/** A copy is worth its while when the piece has at least so many times the bytes. */
const WASTE = 4;

/** The bytes [start, end), of which `waiting` frames are before them, if they had better be copied. */
export const frugalCopy = (
  bytes: Uint8Array,
  start: number,
  end: number,
  waiting: number,
): Uint8Array<ArrayBuffer> | undefined =>
  waiting >= AS_THEY_CAME && (end - start) * WASTE <= bytes.buffer.byteLength ? bytes.slice(start, end) : undefined;
