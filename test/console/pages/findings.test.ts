/** What the broker finds, in Chinese, and where it is mended. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FINDINGS, type FindingCode } from "../../../src/shard/consumers/finding.js";
import "./page-globals.js";

const { chineseText } = await import("../../../src/console/findings/chinese.js");
const { remediesOf, weightOf } = await import("../../../src/console/findings/remedies.js");
const { text } = await import("../../../src/console/findings/text.js");

/** The details that docs/protocol.md names for each finding. */
const DETAILS = new Map(
  [...readFileSync("docs/protocol.md", "utf8").matchAll(/^\| ([A-Z_]+) +\| .+? \| ([^|]*) \|$/gm)].map(
    ([, code, details = ""]) => [code, [...details.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? "")] as const,
  ),
);

const findingOf = (code: FindingCode, details: Record<string, unknown>) => ({ code, queue: null, text: "", details });

describe("findings", () => {
  it.each(FINDINGS)("%s has a title and a sentence, made of the details that there are", (code) => {
    const asked = new Set<string>();
    const details = new Proxy<Record<string, unknown>>({}, { get: (_, name) => void asked.add(String(name)) });
    const sentence = chineseText(findingOf(code, details), 0);
    expect(sentence).toMatch(/^\p{Script=Han}|^\d/u);
    expect(sentence).not.toMatch(/undefined|NaN|object/);
    expect(DETAILS.get(code) ?? []).toEqual(expect.arrayContaining([...asked]));
    expect(text().titles[code]).toMatch(/\p{Script=Han}/u);
    for (const { href } of remediesOf(findingOf(code, {}), "a/b"))
      expect(href).toMatch(/^#\/(topics(\/a%2Fb.*)?|connections)$/);
  });

  it("say numbers, names and times", () => {
    const now = 1_000_000;
    const found = findingOf("IN_FLIGHT", {
      ready: 0,
      inFlight: 1_234,
      firstEnds: now + 12_000,
      isExact: true,
      holders: [],
    });
    expect(chineseText(found, now)).toBe("没有就绪的消息：1,234 条消息已投递但尚未确认；最早的租约在 12 秒后到期。");
    const known = findingOf("NO_QUEUE", { known: ["a", "b"] });
    expect(chineseText(known, now)).toBe("没有这个队列；现有队列：a、b。");
  });

  it("of a newer broker are left to its own words", () => {
    expect(chineseText(findingOf("TELEPORTED" as FindingCode, {}), 0)).toBeUndefined();
    expect(chineseText(findingOf("toString" as FindingCode, {}), 0)).toBeUndefined();
    expect(weightOf(findingOf("TELEPORTED" as FindingCode, {}))).toBe("plain");
  });

  it("weigh more where messages wait", () => {
    expect(weightOf(findingOf("NO_CONSUMER", { ready: 0 }))).toBe("plain");
    expect(weightOf(findingOf("NO_CONSUMER", { ready: 3 }))).toBe("bad");
  });
});
