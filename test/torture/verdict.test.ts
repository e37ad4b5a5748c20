import { describe, expect, it } from "vitest";
import type { TortureResult } from "../../src/torture/torture.js";
import { isClean, verdict } from "../../src/torture/verdict.js";

const result = (given: Partial<TortureResult>): TortureResult => ({
  phase: "reading",
  elapsed: 93_000,
  kills: 63,
  published: 1_000,
  confirmed: 900,
  refused: 60,
  delivered: 950,
  acked: 899,
  unseen: 0,
  findings: 0,
  kept: { confirmed: 0, heard: 0 },
  errors: new Map(),
  found: [],
  ...given,
});

describe("the verdict of a torture", () => {
  it("is that no fault was found, where something was confirmed", () => {
    expect(isClean(result({}))).toBe(true);
    expect(verdict(result({}), 7, "dir")).toMatch(
      /^In 1:33 the broker was killed 63 times\. Of 1,000 messages 900 were/,
    );
    expect(verdict(result({}), 7, "dir")).toContain("\nNO FAULT FOUND.\n");
  });

  it("is no praise where nothing was confirmed", () => {
    const empty = result({ published: 0, confirmed: 0, refused: 0, delivered: 0, acked: 0 });
    expect(isClean(empty)).toBe(false);
    expect(verdict(empty, 7, "dir")).toMatch(/\nNOTHING IS SHOWN: no message was confirmed\./);
    expect(verdict(empty, 7, "dir")).not.toContain("NO FAULT FOUND");
  });

  it("names the faults, the seed and the place", () => {
    const faulty = result({ found: [{ kind: "lost", count: 3, examples: ["the first"] }] });
    expect(isClean(faulty)).toBe(false);
    expect(verdict(faulty, 7, "dir")).toMatch(/FAULTS FOUND \(seed 7\).* dir\n {2}3 × .*\n {6}the first\n {6}…\n$/);
  });
});
