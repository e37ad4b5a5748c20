/** A length of time as tests write it: milliseconds, or text with a unit. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A unit in its short form, and the long one, which may have an s. */
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(?:ms|milliseconds?)$/, 1],
  [/^(?:s|seconds?)$/, SECOND],
  [/^(?:m|minutes?)$/, MINUTE],
  [/^(?:h|hours?)$/, HOUR],
  [/^(?:d|days?)$/, DAY],
  [/^(?:w|weeks?)$/, 7 * DAY],
];

/** Milliseconds, or a number and a unit: `"90 s"`, `"1.5 hours"`, `"3 days"`. */
export type Duration = number | string;

/** Whole milliseconds, as all times of a broker are. Throws a RangeError for what is no length of time. */
export const milliseconds = (duration: Duration): number => {
  const [, count = "", unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/.exec(String(duration)) ?? [];
  const factor = UNITS.find(([name]) => name.test(unit))?.[1];
  const value = typeof duration === "number" ? duration : Number(count) * (factor ?? Number.NaN);
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return Math.round(value);
  throw new RangeError(
    `a length of time is a number of milliseconds from 0 on, or text such as "90 s" or "3 days"; it is ${String(typeof duration === "string" ? JSON.stringify(duration) : duration)}`,
  );
};
