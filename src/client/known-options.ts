/**
 * The options that each method knows. One that it does not know is refused: it would mean nothing, and most often it is
 * one that is spelled differently.
 */
import { badArgument, shown } from "./arguments.js";
import { localError } from "./error.js";

/** The names of a method's options. Having them as properties makes looking one up cheap. */
export type Known = Readonly<Record<string, true>>;

const known = (...names: readonly string[]): Known =>
  Object.freeze(Object.assign(Object.create(null), Object.fromEntries(names.map((name) => [name, true]))));

export const OPTIONS = {
  connect: known("name", "signal", "connectTimeout", "maxInFlight", "maxPendingBytes"),
  publish: known("headers", "routeKey", "delay", "ttl"),
  publishToChannel: known("headers"),
  pop: known("queue", "max", "wait", "maxBytes"),
  popDead: known("queue", "max", "maxBytes"),
  consume: known("queue", "prefetch"),
  subscribe: known("overflow", "onLost"),
  queue: known("queue"),
  nack: known("delay", "reject"),
  nackById: known("queue", "delay", "reject"),
  touch: known("ttr"),
  touchById: known("queue", "ttr"),
  redrive: known("queue", "ids"),
  browse: known("queue", "state", "offset", "max", "maxBytes"),
  purge: known("queue", "state"),
  drain: known("timeout"),
} as const satisfies Record<string, Known>;

/** Throws BAD_ARGUMENT when the options are no object, or one of them is not known. */
export const checkOptions = (options: unknown, names: Known): void => {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw badArgument("options", options, "an object");
  }
  for (const name in options) if (names[name] !== true) refuse(name, Object.keys(names));
};

const refuse = (name: string, names: readonly string[]): never => {
  const near = names.find((each) => isNear(name, each));
  const hint = near === undefined ? "" : ` (did you mean ${near}?)`;
  throw localError("BAD_ARGUMENT", `there is no option ${shown(name)} here${hint}; there is ${names.join(", ")}`);
};

/** Edits by which two words may differ that are taken for the same. */
const NEAR = 2;

/** Whether a word was most likely meant for another: one begins with the other, or few letters differ. */
const isNear = (word: string, other: string): boolean => {
  const [a, b] = [word.toLowerCase(), other.toLowerCase()];
  if (a.length > 2 && (a.startsWith(b) || b.startsWith(a))) return true;
  return Math.abs(a.length - b.length) <= NEAR && distance(a, b) <= NEAR;
};

/** Levenshtein's distance. Both words are short: one is an option's name and the other about as long. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
