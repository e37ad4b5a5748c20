/** The words of a line: separated by single spaces, so that two spaces have an empty word between them. */

import { MAX_NAME_BYTES } from "../../../../protocol/limits.js";
import { readStrictText } from "../../../../protocol/text.js";
import type { Fault } from "./errors.js";

/** A line: the longest command has two names and some numbers. */
export const MAX_LINE_BYTES = 4096;

const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;

/** Where the next line begins; -1: the line is not whole. */
export const lineEnd = (bytes: Buffer, start: number, end: number): number => {
  const stop = bytes.subarray(start, Math.min(end, start + MAX_LINE_BYTES)).indexOf(LINE_FEED);
  return stop < 0 ? -1 : start + stop + 1;
};

/** The words of the line in [start, next). What is not UTF-8 is kept apart from what is, so that it names nothing. */
export const wordsOf = (bytes: Buffer, start: number, next: number): string[] => {
  const end = next - 1;
  const stop = end > start && bytes[end - 1] === RETURN ? end - 1 : end;
  const words: string[] = [];
  let from = start;
  for (let at = start; at <= stop; at++) {
    if (at < stop && bytes[at] !== SPACE) continue;
    words.push(readStrictText(bytes, from, at) ?? NOT_TEXT);
    from = at + 1;
  }
  return words;
};

/** A word that is no text. A line has no NUL in a name: the broker refuses control characters. */
const NOT_TEXT = "\0";

/** What is wrong with the name of a topic. */
export const topicFault = (topic: string): Fault | undefined => {
  if (topic === "") return { code: "E_INVALID_TOPIC", text: "topic is empty" };
  return nameFault("E_INVALID_TOPIC", "topic", topic);
};

/** What is wrong with a bind key or a route key, which may be empty. */
export const keyFault = (what: string, key: string): Fault | undefined => nameFault("E_INVALID_BINDKEY", what, key);

export const nameFault = (code: Fault["code"], what: string, name: string): Fault | undefined => {
  if (name.includes("\0")) return { code, text: `${what} has a NUL or is not UTF-8` };
  return Buffer.byteLength(name) > MAX_NAME_BYTES
    ? { code, text: `${what} is longer than ${MAX_NAME_BYTES} bytes` }
    : undefined;
};

/** As Go reads a number: 0 for what is none. */
export const wholeNumber = (word: string): number => (/^[+-]?\d+$/.test(word) ? Number(word) : 0);
