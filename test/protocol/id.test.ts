import fc from "fast-check";
import { expect, test } from "vitest";
import { EPOCH, formatId, idHigh, idLow, idTime, parseId } from "../../src/protocol/id.js";

const word = fc.integer({ min: 0, max: 0xffff_ffff });

test("an id is written in decimal, digit for digit, and read back", () => {
  const examples: [number, number][] = [
    [0, 0],
    [0, 0xffff_ffff],
    [1, 0],
    [0x1f_ffff, 0xffff_ffff],
    [0x20_0000, 1],
    [0xffff_ffff, 0xffff_ffff],
  ];
  fc.assert(
    fc.property(word, word, (high, low) => {
      const text = formatId(high, low);
      expect(text).toBe(((BigInt(high) << 32n) | BigInt(low)).toString());
      expect(parseId(text)).toEqual({ high, low });
    }),
    { examples, numRuns: 2000 },
  );
});

test.each([
  "",
  "-1",
  "1.5",
  " 1",
  "0x10",
  "1e3",
  "18446744073709551616",
  "99999999999999999999",
  "123456789012345678901",
])("%j is no id", (text) => {
  expect(parseId(text)).toBeUndefined();
});

test("an id tells when it was made, on which node", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 41 - 1 }), fc.integer({ min: 1, max: 1024 }), (millisecond, node) => {
      const high = idHigh(millisecond);
      const low = idLow(millisecond, node);
      expect(idTime(high, low + 4095)).toBe(EPOCH + millisecond);
      expect((low >>> 12) & 1023).toBe(node % 1024);
      expect(low & 4095).toBe(0);
      // 41 bits of milliseconds leave the sign bit free.
      expect(high).toBeLessThan(2 ** 31);
    }),
  );
});

test("node 1,024 is written as 0, and touches no bit of the time", () => {
  expect(idLow(5, 1024)).toBe(5 * 2 ** 22);
  expect(idLow(5, 1023)).toBe(5 * 2 ** 22 + 1023 * 4096);
});
