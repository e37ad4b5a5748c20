/**
 * Text out of bytes. What comes is a string of its own: nothing of what it was read from is kept.
 *
 * A byte order mark at the front is a character like others: text arrives as it was sent.
 */

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Characters up to which adding them one by one is cheaper than a call of the decoder, and makes a flat string. */
const SHORT = 12;

/** The bytes [start, end) if they are few and ASCII. */
const shortText = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  if (end - start > SHORT) return undefined;
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
};

/** Bytes that a decoder takes: it refuses those of shared memory. */
const plain = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  bytes.buffer instanceof ArrayBuffer ? bytes.subarray(start, end) : new Uint8Array(bytes.subarray(start, end));

/** The text in [start, end); what is not UTF-8 in it becomes U+FFFD. */
export const readText = (bytes: Uint8Array, start = 0, end = bytes.length): string =>
  shortText(bytes, start, end) ?? lenient.decode(plain(bytes, start, end));

/** The text in [start, end), or undefined when it is not UTF-8. */
export const readStrictText = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  const text = shortText(bytes, start, end);
  if (text !== undefined) return text;
  try {
    return strict.decode(plain(bytes, start, end));
  } catch {
    return undefined;
  }
};

/** As `readText`, of at most so many bytes: longer text ends before the character that they would cut. */
export const readTextUpTo = (bytes: Uint8Array, start: number, end: number, most: number): string => {
  let stop = Math.min(end, start + most);
  // Bytes 10xxxxxx continue a character, which has at most three of them.
  if (stop < end) for (let i = 0; i < 3 && stop > start && ((bytes[stop] ?? 0) & 0xc0) === 0x80; i++) stop--;
  return readText(bytes, start, stop);
};
