/**
 * Copies received messages that would otherwise keep too much memory.
 *
 * A message is a view of the chunk that was read from the socket, and the whole chunk stays in memory as long as any view
 * of it is buffered. A few messages each out of many chunks would hold far more memory than their own bytes.
 */

/** Frames that may be buffered in place. A socket reads up to 64 KiB at a time, so these hold up to 4 MiB. */
const MAX_IN_PLACE = 64;

/** A copy pays off when the chunk is at least this many times as large. */
const MIN_RATIO = 4;

/** A copy of the bytes [start, end) behind `buffered` frames; undefined when they may stay in place. */
export const compactCopy = (
  bytes: Uint8Array,
  start: number,
  end: number,
  buffered: number,
): Uint8Array<ArrayBuffer> | undefined =>
  buffered >= MAX_IN_PLACE && (end - start) * MIN_RATIO <= bytes.buffer.byteLength
    ? bytes.slice(start, end)
    : undefined;
