/**
 * Decodes text. The strings keep no reference to the bytes they were read from.
 *
 * A leading byte order mark is a character like any other: text arrives as it was sent.
 */

// Pure: a bundle for pages leaves out the one that it does not use.
const lenient = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });
const strict = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Characters up to which appending one by one is cheaper than a call of the decoder, and makes a flat string. */
const SHORT = 12;

/** The text in [start, end) if it is short and ASCII; otherwise undefined. */
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

/** Bytes for the decoder, which refuses shared memory. */
const plain = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  bytes.buffer instanceof ArrayBuffer ? bytes.subarray(start, end) : new Uint8Array(bytes.subarray(start, end));

/** The text in [start, end); invalid UTF-8 becomes U+FFFD. */
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

/** Like `readText`, with at most this many bytes: longer text is cut at a character boundary. */
export const readTextUpTo = (bytes: Uint8Array, start: number, end: number, max: number): string => {
  let stop = Math.min(end, start + max);
  // Bytes 10xxxxxx continue a character, which has at most three of them.
  if (stop < end) for (let i = 0; i < 3 && stop > start && ((bytes[stop] ?? 0) & 0xc0) === 0x80; i++) stop--;
  return readText(bytes, start, stop);
};
