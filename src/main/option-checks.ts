/** The checks of what a broker is told: each throws, and names the option, its range and its value. */
import { didYouMean } from "../protocol/spelling.js";

/** An option is wrong: what it must be follows its name. */
export class OptionError extends RangeError {
  constructor(
    /** `maxTopics`, `tcpTls.certFile`. */
    readonly option: string,
    text: string,
    errorOptions?: ErrorOptions,
  ) {
    super(`${option} ${text}`, errorOptions);
  }
}

/** An option is out of its range. The text is for programs; who has units of their own makes another. */
export class OutOfRangeError extends OptionError {
  constructor(
    option: string,
    readonly value: number,
    readonly min: number,
    /** Infinity: there is no bound that anybody could reach. */
    readonly max: number,
    text: string,
    /** Where the bound comes from. */
    readonly why = "",
  ) {
    super(option, `must be ${text}${why}; it is ${value}`);
  }
}

/** Characters of a program's own name that a text repeats. */
const SHOWN = 64;

/** A name that is no option is most likely a misspelled one. */
export const checkKnown = (given: object, names: readonly string[]): void => {
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const shown = name.slice(0, SHOWN);
    throw new RangeError(
      `there is no option ${shown}${didYouMean(shown, names) || `; the options are ${names.join(", ")}`}`,
    );
  }
};

export const check = (name: string, value: number, min: number, max: number): void => {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  const bound = max === Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : max;
  throw new OutOfRangeError(name, value, min, bound, `a whole number from ${min} to ${max}`);
};

/** How long something may take: any number of milliseconds, which need not be a whole one. */
export const checkTimeout = (name: string, value: number, min: number): void => {
  if (typeof value === "number" && value >= min && (value <= 2 ** 53 || value === Number.POSITIVE_INFINITY)) return;
  throw new OutOfRangeError(name, value, min, 2 ** 53, `a number from ${min} to 2^53, or Infinity`);
};

/** What a browser says in `Origin`: no path, not even a slash. */
export const ORIGIN = /^(?:\*|[a-z][a-z\d+.-]*:\/\/[^\s/?#@,]+)$/;

export const HOST_NAME = /^[a-z\d_](?:[a-z\d._-]*[a-z\d_])?$/;

/** In lower case, as browsers send them, and the names without the dot of a full name. */
export const checkNames = (name: string, given: readonly string[], pattern: RegExp, example: string): string[] =>
  given.map((text) => {
    const lower = text.toLowerCase().replace(/\.$/, "");
    if (pattern.test(lower)) return lower;
    throw new OptionError(name, `must be as in ${example}; it is ${text}`);
  });
