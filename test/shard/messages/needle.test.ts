import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Needle } from "../../../src/shard/messages/needle.js";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a needle", () => {
  it("is found wherever indexOf finds it, and nowhere else", () => {
    const few = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 12 });
    const hay = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 60 });
    fc.assert(
      fc.property(few, hay, fc.nat(5), (text, around, cut) => {
        const bytes = bytesOf(around);
        const end = Math.max(0, bytes.length - cut);
        const isThere = Buffer.from(bytes.subarray(0, end)).includes(text);
        expect(new Needle(bytesOf(text)).isIn(bytes, 0, end)).toBe(isThere);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes capital letters of ASCII for small ones when it is told so, and no others", () => {
    const isIn = (text: string, hay: string, ignoresCase: boolean): boolean =>
      new Needle(bytesOf(text), ignoresCase).isIn(bytesOf(hay), 0, bytesOf(hay).length);
    expect(isIn("Order", "an ORDER", false)).toBe(false);
    expect(isIn("Order", "an oRDER", true)).toBe(true);
    expect(isIn("ä", "Ä", true)).toBe(false);
    expect(isIn("[", "{", true)).toBe(false);
    expect(isIn("@", "`", true)).toBe(false);
    expect(isIn("z", "Z", true)).toBe(true);
  });

  it("costs the same whatever the bytes are: no text makes it look at them again and again", () => {
    // Naively this is 250 times as many comparisons as there are bytes.
    const hay = new Uint8Array(4 * 1024 * 1024).fill(0x61);
    const text = new Uint8Array(250).fill(0x61);
    text[249] = 0x62;
    let reads = 0;
    const counted = new Proxy(hay, {
      get: (bytes, name) => {
        reads++;
        return Reflect.get(bytes, name) as unknown;
      },
    });
    expect(new Needle(text).isIn(counted, 0, 10_000)).toBe(false);
    expect(reads).toBeLessThanOrEqual(10_000);
    expect(new Needle(text).isIn(hay, 0, hay.length)).toBe(false);
  });
});
