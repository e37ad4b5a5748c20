import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { compilePattern } from "../../src/shard/pattern.js";

const refused = (pattern: string): string => {
  try {
    compilePattern(pattern);
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    if (error instanceof ProtocolError) return error.kind;
  }
  return "accepted";
};

describe("pattern", () => {
  it("matches anywhere in a bind key unless it is anchored", () => {
    const inner = compilePattern("b+");
    expect(["abbc", "b", "ac"].map(inner)).toEqual([true, true, false]);
    const whole = compilePattern("^order\\.(eu|us)$");
    expect(["order.eu", "order.us", "order.eu.x", "xorder.eu", "orderxeu"].map(whole)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it("can be used again and again: a match leaves no state behind", () => {
    const matches = compilePattern("a");
    expect(["xa", "xa", "x", "xa"].map(matches)).toEqual([true, true, false, true]);
  });

  it.each(["(", "a)", "[a", "*", "a**", "(?=a)", "(?!a)", "(?<=a)b", "(a)\\1", "\\"])("refuses %s", (pattern) => {
    expect(refused(pattern)).toBe("BAD_PATTERN");
  });

  it.each(["a{2}", "(a{9}){9}", "a{2,}", "a{2,5}", "\\\\{1000}", "a\\\\\\\\{3}"])(
    "refuses the counted repetition in %s, which can make a short pattern a huge program",
    (pattern) => {
      expect(refused(pattern)).toBe("BAD_PATTERN");
    },
  );

  it("takes a brace that is escaped for what it is", () => {
    expect(compilePattern("^a\\{2}$")("a{2}")).toBe(true);
    expect(compilePattern("^\\\\\\{2}$")("\\{2}")).toBe(true);
  });

  it.each(["(a*)*b", "(a|aa)+$", "((((a+)+)+)+)+b", "(.*)(.*)(.*)(.*)(.*)c"])(
    "does not backtrack over a key that %s nearly matches",
    (pattern) => {
      // A backtracking engine would take longer than the universe has existed: the test would not end.
      expect(compilePattern(pattern)(`${"a".repeat(250)}!`)).toBe(false);
    },
  );
});
