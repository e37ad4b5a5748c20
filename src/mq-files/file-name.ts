/**
 * The name of a topic's file. A plain name stays as it is: topic `example` is in `example.mq`. Every other one is written so
 * that it names one file of the directory and no other topic's.
 *
 * | in a topic                                 | in the name                                                   |
 * | ------------------------------------------ | ------------------------------------------------------------- |
 * | `%` `/` `\` and control characters         | `%` and two hexadecimal digits for each byte of UTF-8         |
 * | a `.` at the beginning                     | likewise, so that no file is hidden                           |
 * | more bytes than a name of a file may have  | as many as there is room for, then `%~` and a SHA-256 of all  |
 *
 * Except for those that are too long, a name can be read back.
 */
import { createHash } from "node:crypto";

export const SUFFIX = ".mq";

/** What file systems take. */
const MAX_BYTES = 255;

/** Stands for the rest of a topic. No other name has it, since a `%` is followed by digits there. */
const SHORTENED = "%~";

const SPECIAL = /[%/\\\p{Cc}]|^\./gu;

const bytesOf = (text: string): number => Buffer.byteLength(text);

const escaped = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");

export const fileName = (topic: string): string => {
  const name = topic.replaceAll(SPECIAL, escaped);
  if (bytesOf(name) + SUFFIX.length <= MAX_BYTES) return name + SUFFIX;
  const tail = SHORTENED + createHash("sha256").update(topic).digest("hex") + SUFFIX;
  let head = "";
  // By whole characters and whole escapes, so that what is left can be read.
  for (const part of name.match(/%..|./gsu) ?? []) {
    if (bytesOf(head) + bytesOf(part) + tail.length > MAX_BYTES) break;
    head += part;
  }
  return head + tail;
};

/** The topic whose file has this name; undefined: it is no such name, or a shortened one. */
export const topicOf = (name: string): string | undefined => {
  if (!name.endsWith(SUFFIX)) return undefined;
  const text = name.slice(0, -SUFFIX.length);
  try {
    const topic = decodeURIComponent(text);
    return fileName(topic) === name ? topic : undefined;
  } catch {
    return undefined;
  }
};
