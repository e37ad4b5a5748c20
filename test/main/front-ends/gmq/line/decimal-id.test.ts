import fc from "fast-check";
import { expect, test } from "vitest";
import { DecimalId } from "../../../../../src/main/front-ends/gmq/line/decimal-id.js";
import { formatId } from "../../../../../src/protocol/id.js";

const word = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 9, 0xffff_ffff, 999_999_999));

const written = (id: DecimalId): string => {
  const bytes = Buffer.alloc(30, "x");
  const end = id.write(bytes, 3);
  expect(end - 3).toBe(id.length);
  expect(bytes.toString("latin1", 0, 3) + bytes.toString("latin1", end)).toBe("x".repeat(30 - id.length));
  return bytes.toString("latin1", 3, end);
};

test("an id has the digits that formatId gives it", () => {
  const id = new DecimalId();
  fc.assert(
    fc.property(word, word, (high, low) => {
      id.set(high, low);
      expect(written(id)).toBe(formatId(high, low));
    }),
  );
});

test("the first id may be 0, and ids that follow one another are counted up", () => {
  const id = new DecimalId();
  for (let low = 0; low < 1_200; low++) {
    id.set(0, low);
    expect(written(id)).toBe(String(low));
  }
});

test("counting up carries", () => {
  const id = new DecimalId();
  fc.assert(
    fc.property(word, fc.integer({ min: 0, max: 0xffff_ff00 }), fc.nat({ max: 250 }), (high, low, count) => {
      id.set(high, low);
      for (let i = 0; i < count; i++) id.increment();
      expect(written(id)).toBe(formatId(high, low + count));
    }),
  );
});
