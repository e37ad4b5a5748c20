/**
 * What a program asks for is looked at before anything of it is sent: each argument that is not what a method takes is
 * refused with its name, its value and what it must be.
 */
import { MAX_DELAY } from "../../protocol/limits.js";
import { localError, RingmqError } from "../base/error.js";

/** Characters of a value that a text repeats. */
const SHOWN = 60;

/** A value in an error's text: short, on one line, and made whatever it is. */
export const shown = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return value.length > SHOWN
        ? `${JSON.stringify(value.slice(0, SHOWN))}… (${value.length} characters)`
        : JSON.stringify(value);
    case "bigint":
      return value >= -(2n ** 64n) && value <= 2n ** 64n ? `${value}n` : "a bigint";
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "object":
      return value === null ? "null" : shownObject(value);
    default:
      return String(value);
  }
};

const shownObject = (value: object): string => {
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`;
    return ArrayBuffer.isView(value) ? `${value.byteLength} bytes` : "an object";
  } catch {
    // A Proxy, or a property of the program's own.
    return "an object";
  }
};

/** BAD_ARGUMENT: `what` is `value` and must be what `wanted` says. */
export const badArgument = (what: string, value: unknown, wanted: string): RingmqError =>
  localError("BAD_ARGUMENT", `${what} must be ${wanted}; it is ${shown(value)}`);

/** What somebody threw, in words; it may be anything. */
export const reasonOf = (thrown: unknown): string => {
  try {
    const { message } = Object(thrown) as { readonly message?: unknown };
    return shown(typeof message === "string" ? message : thrown);
  } catch {
    return "for a reason that cannot be read either";
  }
};

/** What was thrown over a program's arguments, as the error that a promise rejects with. */
export const asBadArgument = (error: unknown): RingmqError =>
  error instanceof RingmqError
    ? error
    : localError("BAD_ARGUMENT", `an argument cannot be sent: ${reasonOf(error)}`, error);

/** BAD_ARGUMENT: looking at `what` called the program, by a getter or a Proxy, and that threw. */
export const unreadable = (what: string, thrown: unknown): RingmqError =>
  localError("BAD_ARGUMENT", `${what} cannot be read: ${reasonOf(thrown)}`, thrown);

/** Looks at an argument where that may call the program. */
export const readFrom = <T>(what: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw unreadable(what, error);
  }
};

const isList = (what: string, value: unknown): value is readonly unknown[] =>
  readFrom(what, () => Array.isArray(value));

/**
 * A copy of a list, of which each element is looked at once, also where one is missing. It ends with the first that is
 * not fit, for the caller to refuse: a list may be said to be longer than any memory.
 */
export const readList = (
  what: string,
  value: unknown,
  wanted: string,
  isFit: (element: unknown) => boolean,
): unknown[] => {
  if (!isList(what, value)) throw badArgument(what, value, wanted);
  const size = readFrom(what, () => value.length);
  const list: unknown[] = [];
  let i = 0;
  try {
    for (let fit = true; fit && i < size; i++) {
      const element = value[i];
      list.push(element);
      fit = isFit(element);
    }
  } catch (error) {
    throw unreadable(`${what}[${i}]`, error);
  }
  return list;
};

/** Throws BAD_ARGUMENT for what is no object of names and values. */
export const checkObject = (what: string, value: unknown, wanted = "an object"): void => {
  if (typeof value !== "object" || value === null || isList(what, value) || ArrayBuffer.isView(value)) {
    throw badArgument(what, value, wanted);
  }
};

const isWhole = (value: unknown, least: number, most: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;

const grouped = (value: number): string => String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");

/** A whole number from `least` to `most`, or undefined. */
export const checkWhole = (what: string, value: unknown, least: number, most: number): void => {
  if (value === undefined || isWhole(value, least, most)) return;
  throw badArgument(what, value, `a whole number from ${grouped(least)} to ${grouped(most)}`);
};

/** A time that travels: whole milliseconds up to ten years, or undefined. */
export const checkDuration = (what: string, value: unknown, least = 0): void => {
  if (value === undefined || isWhole(value, least, MAX_DELAY)) return;
  const ten = `${grouped(MAX_DELAY)} (ten years)`;
  throw badArgument(what, value, `a whole number of milliseconds from ${least} to ${ten}`);
};

/** How long a broker is asked to wait, as often as that takes: whole milliseconds up to 2^53 or Infinity, or undefined. */
export const checkWait = (what: string, value: unknown): void => {
  if (value === undefined || value === Number.POSITIVE_INFINITY || isWhole(value, 0, 2 ** 53)) return;
  throw badArgument(what, value, "a whole number of milliseconds from 0 to 2^53, or Infinity");
};

/** How long this side waits: milliseconds up to 2^53 or Infinity, or undefined. */
export const checkTimeout = (what: string, value: unknown): void => {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return;
  if (typeof value === "number" && value >= 0 && value <= 2 ** 53) return;
  throw badArgument(what, value, "a number of milliseconds from 0 to 2^53, or Infinity");
};

/** One of a few words, or undefined. */
export const checkChoice = (what: string, value: unknown, choices: readonly string[]): void => {
  if (value === undefined || choices.some((choice) => choice === value)) return;
  throw badArgument(what, value, choices.map((choice) => `"${choice}"`).join(" or "));
};

export const checkFlag = (what: string, value: unknown): void => {
  if (value !== undefined && typeof value !== "boolean") throw badArgument(what, value, "true or false");
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNFIT = /[\u0000-\u001f\u007f\ud800-\udfff]/u;

const encoder = new TextEncoder();

/** A name: text of 1 to `most` bytes that UTF-8 and a log line can hold. */
export const checkName = (what: string, value: unknown, most: number): void => {
  if (value === "") throw badArgument(what, value, `text of 1 to ${most} bytes`);
  checkKey(what, value, most);
  if (value === undefined) throw badArgument(what, value, `text of 1 to ${most} bytes`);
};

/** As a name; it may also be empty or undefined, which both stand for the default. */
export const checkKey = (what: string, value: unknown, most: number): void => {
  if (value === undefined) return;
  if (typeof value !== "string") throw badArgument(what, value, `text of at most ${most} bytes`);
  if (value.length * 3 > most && (value.length > most || encoder.encode(value).length > most)) {
    throw badArgument(what, value, `text of at most ${most} bytes`);
  }
  if (UNFIT.test(value)) throw badArgument(what, value, "text without control characters and halves of characters");
};
