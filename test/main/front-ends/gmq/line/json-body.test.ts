import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonBody } from "../../../../../src/main/front-ends/gmq/line/json-body.js";

const body = new JsonBody();

/** The text of a body, and what stands around it. */
const written = (bytes: Uint8Array, start = 0, end = bytes.length): string => {
  const length = body.measure(bytes, start, end);
  const to = Buffer.alloc(length + 4, ".");
  expect(body.write(to, 2)).toBe(length + 2);
  return to.toString();
};

const wanted = (text: string): string => `..${JSON.stringify(text).slice(1, -1)}..`;

test("a body becomes the text that JSON has for it", () => {
  const some = fc.oneof(
    fc.uint8Array(),
    fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
    fc
      .string({ unit: fc.constantFrom("\n", "\u0001", "\u007f", '"', "\\", "a", "é", "\u{1f600}") })
      .map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(some, fc.nat({ max: 5 }), (bytes, start) => {
      const from = Math.min(start, bytes.length);
      expect(written(bytes, from)).toBe(wanted(Buffer.from(bytes.subarray(from)).toString()));
    }),
  );
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(written(all)).toBe(wanted(Buffer.from(all).toString()));
});

test("what is plain is copied, and nothing beside it", () => {
  for (const length of [0, 1, 48, 49, 1_000]) {
    expect(written(Buffer.alloc(length + 2, "a"), 1, length + 1)).toBe(`..${"a".repeat(length)}..`);
  }
});

test("bytes of memory that is shared are read", () => {
  for (const bytes of [
    [0x22, 0xc3, 0xa9],
    [0x22, 0xc3],
  ]) {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expect(written(shared)).toBe(wanted(Buffer.from(bytes).toString()));
  }
});
