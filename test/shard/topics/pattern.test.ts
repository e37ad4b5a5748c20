import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../../src/protocol/errors.js";
import { compilePattern } from "../../../src/shard/topics/pattern.js";

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

  it.each(["((a{100}){100}){100}", "(a{9}){999}", "a{1001}", "a{999999999999}", `${"a".repeat(200)}{1,50}`, "a{5,2}"])(
    "refuses the counted repetition in %s, which is one too many",
    (pattern) => {
      expect(refused(pattern)).toBe("BAD_PATTERN");
    },
  );

  it.each<readonly [string, string, string]>([
    ["^eu\\.\\d{4}$", "eu.2024", "eu.202"],
    ["^a{2}$", "aa", "aaa"],
    ["^a{2,}$", "aaaa", "a"],
    ["^a{2,5}$", "aaaaa", "aaaaaa"],
    ["^(a{3}){3}$", "a".repeat(9), "a".repeat(8)],
    ["[{2}]", "{", "a"],
    ["^\\Q{2}\\E$", "{2}", "Q{2}E"],
    ["^\\\\{3}$", "\\\\\\", "\\{3}"],
    ["^[a-z]{300}", "a".repeat(300), "a".repeat(299)],
  ])("takes the counts and braces of %s as RE2 does", (pattern, key, other) => {
    const matches = compilePattern(pattern);
    expect([key, other].map(matches)).toEqual([true, false]);
  });

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
