import fc from "fast-check";
import { expect, test } from "vitest";
import { copyTo, jsonText } from "../../../../../src/main/front-ends/gmq/line/json-body.js";

test("a body is its own JSON text, or has one", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string().map((text) => Buffer.from(text)),
      ),
      fc.nat({ max: 5 }),
      (body, start) => {
        const from = Math.min(start, body.length);
        const wanted = Buffer.from(body.subarray(from)).toString();
        const text = jsonText(body, from, body.length) ?? Buffer.from(body.subarray(from)).toString("latin1");
        expect(JSON.parse(`"${text}"`)).toBe(wanted);
      },
    ),
  );
});

test("what is plain is copied, and nothing beside it", () => {
  for (const length of [0, 1, 48, 49, 1_000]) {
    const body = Buffer.alloc(length, "a");
    expect(jsonText(body, 0, length)).toBeUndefined();
    const to = Buffer.alloc(length + 4, ".");
    expect(copyTo(to, 2, body, 0, length)).toBe(length + 2);
    expect(to.toString()).toBe(`..${"a".repeat(length)}..`);
  }
});

test("bytes of memory that is shared are read", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set([0x22, 0xc3, 0xa9]);
  expect(jsonText(shared, 0, 3)).toBe('\\"é');
});
