import fc from "fast-check";
import { expect, test } from "vitest";
import { PublishHeads } from "../../../../src/main/front-ends/gmq/publish-heads.js";
import { unpackHead } from "../../../../src/protocol/head.js";

test("a head says what was asked for, whatever was asked before and however often", () => {
  const name = fc.constantFrom("", "a", "ab", "b", "bc", "1 a", "é");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, name, fc.constantFrom(0, 1, 1000))), (asked) => {
      const heads = new PublishHeads();
      for (const [topic, routeKey, delay] of asked) {
        const head = heads.get(topic, routeKey, delay);
        expect(unpackHead(head, 0, head.length)).toEqual([topic, routeKey, delay]);
      }
    }),
  );
});

test("a head is made once, and again only after a thousand others", () => {
  const heads = new PublishHeads();
  const first = heads.get("t0", "", 0);
  for (let i = 1; i < 1024; i++) heads.get(`t${i}`, "", 0);
  expect(heads.get("t0", "", 0)).toBe(first);
  heads.get("t1024", "", 0);
  expect(heads.get("t0", "", 0)).not.toBe(first);
});

test("a head with a name that is longer than any is not kept", () => {
  const heads = new PublishHeads();
  const long = "x".repeat(256);
  for (const [topic, routeKey] of [[long, "k"] as const, ["t", long] as const]) {
    const first = heads.get(topic, routeKey, 0);
    expect(unpackHead(first, 0, first.length)).toEqual([topic, routeKey, 0]);
    heads.get("t", "", 0);
    expect(heads.get(topic, routeKey, 0)).not.toBe(first);
  }
});
