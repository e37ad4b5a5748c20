/**
 * Route keys of pattern mode: regular expressions in RE2's syntax, matched in time linear in the bind key. A publisher
 * chooses the pattern, so what cannot be matched in linear time is refused, and so is what would be a huge program.
 */
import { RE2JS } from "re2js";
import { ProtocolError } from "../../protocol/errors.js";

/** A repetition with a count: `{2}`, `{2,}`, `{2,5}`. */
const COUNTED = /\{(\d+)(?:,(\d*))?\}/g;

/**
 * The longest pattern, in characters with its counted repetitions written out. All counts are multiplied as if they were
 * nested, and quoted braces count as well: an upper bound of the compiled program, without compiling it.
 */
export const MAX_EXPANDED = 4096;

const expandedLength = (pattern: string): number => {
  let length = pattern.length;
  for (const [, min = "", max = ""] of pattern.matchAll(COUNTED)) {
    length *= Math.max(1, Number(min), Number(max));
  }
  return length;
};

/** The worst price of matching one character of a bind key: the states of the pattern. */
export const costOf = (pattern: string): number => expandedLength(pattern);

/** A test for bind keys: true where the pattern matches anywhere in the key. Throws BAD_PATTERN. */
export const compilePattern = (pattern: string): ((bindKey: string) => boolean) => {
  if (expandedLength(pattern) > MAX_EXPANDED) {
    throw new ProtocolError(
      "BAD_PATTERN",
      `the route key has more than ${MAX_EXPANDED} characters when its length is multiplied by its counted repetitions`,
    );
  }
  try {
    const compiled = RE2JS.compile(pattern);
    // `test` does not track groups, which is much cheaper.
    return (bindKey) => compiled.test(bindKey);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProtocolError("BAD_PATTERN", `the route key is not a pattern: ${why}`);
  }
};
