/**
 * Bodies as the text of a JSON string. Most are ASCII without anything to escape and are copied; of the others what is not
 * UTF-8 becomes U+FFFD.
 */

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/** Up to here copying a byte at a time is faster than a call that copies them all. */
const FEW_BYTES = 48;

/** The JSON text of a body, without the quotes; undefined: it is its bytes. */
export const jsonText = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  if (isPlain(bytes, start, end)) return undefined;
  // A `Buffer` reads shared memory too.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
  return JSON.stringify(text).slice(1, -1);
};

/** Copies [start, end) to `at`, where there is room; answers where it ends. */
export const copyTo = (to: Buffer, at: number, bytes: Uint8Array, start: number, end: number): number => {
  const length = end - start;
  if (length > FEW_BYTES) to.set(bytes.subarray(start, end), at);
  else for (let i = 0; i < length; i++) to[at + i] = bytes[start + i] ?? 0;
  return at + length;
};

const isPlain = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < SPACE || byte >= DELETE || byte === QUOTE || byte === BACKSLASH) return false;
  }
  return true;
};
