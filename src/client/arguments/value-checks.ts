/**
 * Checks of single arguments, as those of `argument-checks.ts`: what connecting and publishing do without.
 */
import { badArgument, isWhole, readList } from "./argument-checks.js";

const grouped = (value: number): string => String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");

/** A whole number from `min` to `max`, or undefined. */
export const checkWhole = (what: string, value: unknown, min: number, max: number): void => {
  if (value === undefined || isWhole(value, min, max)) return;
  throw badArgument(what, value, `a whole number from ${grouped(min)} to ${grouped(max)}`);
};

/** How long the broker waits, in several requests if needed: whole milliseconds to 2^53, Infinity, or undefined. */
export const checkWait = (what: string, value: unknown): void => {
  if (value === undefined || value === Number.POSITIVE_INFINITY || isWhole(value, 0, 2 ** 53)) return;
  throw badArgument(what, value, "a whole number of milliseconds from 0 to 2^53, or Infinity");
};

/** One of several words, or undefined. */
export const checkChoice = (what: string, value: unknown, choices: readonly string[]): void => {
  if (value === undefined || choices.some((choice) => choice === value)) return;
  throw badArgument(what, value, choices.map((choice) => `"${choice}"`).join(" or "));
};

const isText = (value: unknown): value is string => typeof value === "string";

/** Reads a text, or a list of some. */
export const readTexts = (what: string, value: unknown, wanted: string): readonly string[] => {
  if (isText(value)) return [value];
  const list = readList(what, value, wanted, isText);
  if (!list.every(isText)) throw badArgument(what, list.at(-1), wanted);
  return list;
};
