/**
 * Checks of single arguments, made before anything is sent. BAD_ARGUMENT tells the argument's name, its value, and what
 * it must be.
 */
import { MAX_DELAY } from "../../protocol/limits.js";
import { localError, RingmqError } from "../base/error.js";

/** Longer text is cut off in an error's text. */
const MAX_SHOWN = 60;

/** A value for an error's text: short, on one line. Never throws. */
export const shown = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return value.length > MAX_SHOWN
        ? `${JSON.stringify(value.slice(0, MAX_SHOWN))}… (${value.length} characters)`
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
    // A Proxy or a getter of the program's own has thrown.
    return "an object";
  }
};

/** BAD_ARGUMENT: `what` is `value` and must be what `wanted` says. */
export const badArgument = (what: string, value: unknown, wanted: string): RingmqError =>
  localError("BAD_ARGUMENT", `${what} must be ${wanted}; it is ${shown(value)}`);

/** The message of a thrown value, which may be anything. */
export const reasonOf = (thrown: unknown): string => {
  try {
    const { message } = Object(thrown) as { readonly message?: unknown };
    return shown(typeof message === "string" ? message : thrown);
  } catch {
    return "for a reason that cannot be read";
  }
};

/** What was thrown while arguments were read or encoded, as the RingmqError that a promise rejects with. */
export const asBadArgument = (error: unknown): RingmqError =>
  error instanceof RingmqError
    ? error
    : localError("BAD_ARGUMENT", `an argument cannot be sent: ${reasonOf(error)}`, error);

/** BAD_ARGUMENT: a getter or a Proxy of the program has thrown while `what` was read. */
export const unreadable = (what: string, thrown: unknown): RingmqError =>
  localError("BAD_ARGUMENT", `${what} cannot be read: ${reasonOf(thrown)}`, thrown);

/** Reads an argument where a getter or a Proxy of the program may throw. */
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
 * Copies a list, reading each element once, holes included. The copy ends with the first element that is not valid,
 * which the caller refuses: the `length` of a Proxy may be more than memory can hold.
 */
export const readList = (
  what: string,
  value: unknown,
  wanted: string,
  isValid: (element: unknown) => boolean,
): unknown[] => {
  if (!isList(what, value)) throw badArgument(what, value, wanted);
  const size = readFrom(what, () => value.length);
  const list: unknown[] = [];
  let i = 0;
  try {
    for (let valid = true; valid && i < size; i++) {
      const element = value[i];
      list.push(element);
      valid = isValid(element);
    }
  } catch (error) {
    throw unreadable(`${what}[${i}]`, error);
  }
  return list;
};

/** Throws BAD_ARGUMENT unless it is an object of names and values. */
export const checkObject = (what: string, value: unknown, wanted = "an object"): void => {
  if (typeof value !== "object" || value === null || isList(what, value) || ArrayBuffer.isView(value)) {
    throw badArgument(what, value, wanted);
  }
};

export const isWhole = (value: unknown, min: number, max: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;

/** A time that is sent to the broker: whole milliseconds up to ten years, or undefined. */
export const checkDuration = (what: string, value: unknown, min = 0): void => {
  if (value === undefined || isWhole(value, min, MAX_DELAY)) return;
  throw badArgument(what, value, `a whole number of milliseconds from ${min} to 315,360,000,000 (ten years)`);
};

/** How long the client waits: milliseconds up to 2^53, Infinity, or undefined. */
export const checkTimeout = (what: string, value: unknown): void => {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return;
  if (typeof value === "number" && value >= 0 && value <= 2 ** 53) return;
  throw badArgument(what, value, "a number of milliseconds from 0 to 2^53, or Infinity");
};

export const checkFlag = (what: string, value: unknown): void => {
  if (value !== undefined && typeof value !== "boolean") throw badArgument(what, value, "true or false");
};

/** Not `instanceof`: the signal may come from another realm. */
const isSignal = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;

/** An AbortSignal, or undefined. */
export const checkSignal = (what: string, value: unknown): void => {
  if (value === undefined || readFrom(what, () => isSignal(value))) return;
  throw badArgument(what, value, "an AbortSignal");
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern finds them
const INVALID_IN_NAME = /[\u0000-\u001f\u007f\ud800-\udfff]/u;

const encoder = new TextEncoder();

/** A name: text of 1 to `max` bytes, without control characters and lone surrogates. */
export const checkName = (what: string, value: unknown, max: number): void => {
  if (value === undefined || value === "") throw badArgument(what, value, `text of 1 to ${max} bytes`);
  checkKey(what, value, max);
};

/** As a name, but it may be empty or undefined, which both mean the default. */
export const checkKey = (what: string, value: unknown, max: number): void => {
  if (value === undefined) return;
  if (typeof value !== "string") throw badArgument(what, value, `text of at most ${max} bytes`);
  if (value.length * 3 > max && (value.length > max || encoder.encode(value).length > max)) {
    throw badArgument(what, value, `text of at most ${max} bytes`);
  }
  if (INVALID_IN_NAME.test(value))
    throw badArgument(what, value, "text without control characters and halves of characters");
};
