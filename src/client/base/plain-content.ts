/**
 * What a message carries, for `console.log` and JSON.
 */
import type { Headers } from "../../protocol/headers.js";

/** Characters of a body that are shown. */
const SHOWN = 100;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The beginning of a body, as text if it is valid UTF-8; otherwise all of its bytes. */
export const shownBody = (body: Uint8Array): unknown => {
  // A character takes at most four bytes. One that is cut in two would make text look like binary data.
  const start = body.subarray(0, SHOWN * 4);
  let text: string | undefined;
  for (let cut = 0; cut < 4 && text === undefined && cut <= start.length; cut++) {
    try {
      text = decoder.decode(start.subarray(0, start.length - cut));
    } catch {
      if (start.length === body.length) break;
    }
  }
  if (text === undefined) return body;
  return text.length <= SHOWN && start.length === body.length
    ? text
    : `${text.slice(0, SHOWN)}… (${body.length} bytes)`;
};

/** A value that JSON can hold: a bigint becomes text, bytes become a list of numbers. */
const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
};

/** Headers that JSON can hold; undefined when they cannot be decoded. */
export const plainHeaders = (read: () => Headers): unknown => {
  try {
    return plain(read());
  } catch {
    return undefined;
  }
};
