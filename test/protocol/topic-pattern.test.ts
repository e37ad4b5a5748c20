import { describe, expect, it } from "vitest";
import { TopicPattern, TopicPatterns } from "../../src/protocol/topic-pattern.js";

/** The same by a regular expression, which may take long. */
const slowly = (pattern: string, name: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll("*", "[^]*")}$`).test(name);

const words = (letters: string, most: number): string[] => {
  let last = [""];
  const all = [...last];
  for (let i = 0; i < most; i++) {
    last = last.flatMap((word) => [...letters].map((letter) => word + letter));
    all.push(...last);
  }
  return all;
};

describe("a pattern of topics", () => {
  it.each([
    ["orders.*", "orders.eu", true],
    ["orders.*", "orders.", true],
    ["orders.*", "orders", false],
    ["orders.*", "orders.eu.west", true],
    ["orders.*", "old.orders.eu", false],
    ["*", "", true],
    ["*", "anything at all", true],
    ["orders", "orders", true],
    ["orders", "ordersx", false],
    ["*.dead", "orders.dead", true],
    ["*.dead", "orders.dead2", false],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["Orders", "orders", false],
    ["a.c", "abc", false],
    ["[a]+", "a", false],
    ["日*語", "日本語", true],
  ])("%s and %s: %s", (pattern, name, is) => expect(new TopicPattern(pattern).matches(name)).toBe(is));

  it("is what a regular expression says, for all short patterns and names", () => {
    for (const pattern of words("ab*", 5)) {
      const compiled = new TopicPattern(pattern);
      for (const name of words("ab", 5)) {
        if (compiled.matches(name) !== slowly(pattern, name)) throw new Error(`${pattern} and ${name}`);
      }
    }
  });

  it("takes no longer for a name that nearly fits a pattern of many stars", () => {
    const pattern = new TopicPattern(`${"a*".repeat(120)}b`);
    expect(pattern.matches("a".repeat(60_000))).toBe(false);
    expect(pattern.matches(`${"a".repeat(60_000)}b`)).toBe(true);
  });

  it("of all names is told apart", () => {
    expect(["*", "**", "", "a*", "*a"].map((text) => new TopicPattern(text).isAll)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it("is one of several", () => {
    const patterns = new TopicPatterns(["a.*", "b"]);
    expect(["a.x", "b", "b.x", "c"].filter((name) => patterns.match(name))).toEqual(["a.x", "b"]);
    expect(new TopicPatterns([]).match("")).toBe(false);
  });
});
