/**
 * `application/x-www-form-urlencoded` text: every query string. It answers as `URLSearchParams`
 * does, one field at a time and without decoding the others. curl sends JSON as it is typed, so the common value has
 * no escape and is a slice of the text.
 */
import { hexDigit } from "../hex-digit.js";

const PERCENT = 0x25;
const AMPERSAND = 0x26;
const EQUALS = 0x3d;

/** The most characters that one of a name is escaped as: four bytes, each `%xx`. */
const MAX_ESCAPED = 12;

/** The first value of a field, decoded; undefined when the text has no such field. */
export const formField = (text: string, name: string): string | undefined => {
  let start = 0;
  while (start < text.length) {
    // In one pass: each character is looked at once, however many fields there are.
    let end = start;
    let nameEnd = -1;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === AMPERSAND) break;
      if (code === EQUALS && nameEnd < 0) nameEnd = end;
    }
    if (nameEnd < 0) nameEnd = end;
    if (end > start && isName(text, start, nameEnd, name)) {
      return decode(text.slice(nameEnd + 1, end));
    }
    start = end + 1;
  }
  return undefined;
};

const isName = (text: string, start: number, end: number, name: string): boolean => {
  if (end - start === name.length && text.startsWith(name, start)) return true;
  // An escaped name is longer than the name it means, and not longer than every character of it escaped.
  if (end - start > name.length * MAX_ESCAPED) return false;
  return end - start > name.length && decode(text.slice(start, end)) === name;
};

const decode = (text: string): string => {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return decodeLeniently(spaced);
  }
};

/** As the URL standard says: a `%` without two hex digits stands for itself, and what is not UTF-8 becomes U+FFFD. */
const decodeLeniently = (text: string): string => {
  const bytes = Buffer.from(text);
  let to = 0;
  for (let from = 0; from < bytes.length; from++) {
    let byte = bytes[from] ?? 0;
    if (byte === PERCENT) {
      const value = hexDigit(bytes[from + 1]) * 16 + hexDigit(bytes[from + 2]);
      if (value >= 0) {
        byte = value;
        from += 2;
      }
    }
    bytes[to++] = byte;
  }
  return bytes.toString("utf8", 0, to);
};
