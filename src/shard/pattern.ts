/**
 * Route keys of pattern mode: regular expressions in RE2's syntax, matched in time linear in the bind key. A publisher
 * chooses the pattern, so what cannot be matched in linear time is refused, and so is a counted repetition, which could
 * make a short pattern into a huge program.
 */
import { RE2JS } from "re2js";
import { ProtocolError } from "../protocol/errors.js";

/** A character that is escaped, so that the brace behind an escaped backslash is not taken for an escaped brace. */
const ESCAPED = /\\./gs;
/** A repetition with a count: `{2}`, `{2,}`, `{2,5}`. */
const COUNTED = /\{\d+(?:,\d*)?\}/;

/** A test for bind keys: true where the pattern matches anywhere in the key. Throws BAD_PATTERN. */
export const compilePattern = (pattern: string): ((bindKey: string) => boolean) => {
  if (COUNTED.test(pattern.replace(ESCAPED, "_"))) {
    throw new ProtocolError("BAD_PATTERN", "the route key has a counted repetition; write it out");
  }
  try {
    const compiled = RE2JS.compile(pattern);
    return (bindKey) => compiled.matcher(bindKey).find();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProtocolError("BAD_PATTERN", `the route key is not a pattern: ${why}`);
  }
};
