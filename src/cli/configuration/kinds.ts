/** Kinds of values: how a text of a flag, a variable or a file is read, and how a value is written in a file. */
import { InvalidArgumentError } from "commander";
import { formatAddress } from "../../main/ports/listening.js";
import { durationText, parseAddress, parseCount, parseDuration, parseList, parseSize, sizeText } from "../units.js";
import { parseTlsPorts } from "./tls.js";

/** A value as TOML has it, of those that settings are written as. */
export type Written = string | number | boolean | readonly string[];

export interface Kind {
  /** `before` is the value that the same flag had before. InvalidArgumentError: the text is no such value. */
  readonly parse: (text: string, before?: unknown) => unknown;
  /** The inverse of `parse`. */
  readonly write: (value: unknown) => Written;
  /** A number in the units of the kind; undefined: it is not about numbers. */
  readonly inUnits?: (value: number) => string;
  /** Whether it may only be one of these. */
  readonly choices?: readonly string[];
  /** In a file it is a text, a list of texts (`a,b` elsewhere), or undefined: a number, a boolean or a text. */
  readonly form?: "text" | "list";
}

/** `T` is what `parse` gives and `write` takes: a table of kinds does not know. */
const kind = <T>(
  parse: (text: string, before: T | undefined) => T,
  write: (value: T) => Written,
  more: Omit<Kind, "parse" | "write"> = {},
): Kind => ({
  parse: (text, before) => parse(text, before as T | undefined),
  write: (value) => write(value as T),
  ...more,
});

/** A text with a unit stays a text; a plain number need not be one. */
const numberOr = (text: string): Written => (/^\d+$/.test(text) ? Number(text) : text);

export const ADDRESS = kind(parseAddress, (address) => (address === "off" ? address : formatAddress(address)));
export const COUNT = kind(parseCount, (count) => count, { inUnits: String });
export const SIZE = kind(parseSize, (size) => numberOr(sizeText(size)), { inUnits: sizeText });
export const TIME = kind(parseDuration, (time) => (time === 0 ? 0 : durationText(time)), { inUnits: durationText });
export const TEXT = kind<string>(String, (text) => text, { form: "text" });
export const LIST = kind<readonly string[]>(parseList, (list) => list, { form: "list" });
export const TLS_PORTS = kind(parseTlsPorts, (ports) => ports, { form: "list" });

const ON = new Set(["1", "true"]);
const OFF = new Set(["0", "false", ""]);

/** A flag without a value; a variable or a key with one. */
export const SWITCH = kind<boolean>(
  (text) => {
    const lower = text.toLowerCase();
    if (ON.has(lower)) return true;
    if (OFF.has(lower)) return false;
    throw new InvalidArgumentError("It must be 1, true, 0 or false.");
  },
  (isOn) => isOn,
);

/** The same for what is on unless it is switched off, which is what the flag does. */
export const SWITCH_OFF: Kind = { ...SWITCH };

export const choiceOf = (choices: readonly string[]): Kind =>
  kind<string>(
    (text) => {
      if (choices.includes(text)) return text;
      throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
    },
    (text) => text,
    { choices, form: "text" },
  );
