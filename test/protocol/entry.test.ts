import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendEntry, countEntries, EntriesFault } from "../../src/protocol/entry.js";
import { FrameWriter } from "../../src/protocol/frame.js";

const NONE = new Uint8Array(0);

const written = (headers: Uint8Array, body: Uint8Array | string): Buffer => {
  const writer = new FrameWriter(1);
  const size = appendEntry(writer, headers, body);
  expect(writer.end).toBe(4 + size);
  return Buffer.from(writer.written());
};

const count = (bytes: Uint8Array, most = 10): number =>
  countEntries(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, 1000, most);

describe("an entry", () => {
  it("is a word and a body", () => {
    expect(written(NONE, "abc").toString("hex")).toBe("00000003616263");
    expect(written(NONE, Uint8Array.of(1, 2)).toString("hex")).toBe("000000020102");
    expect(written(NONE, "").toString("hex")).toBe("00000000");
  });

  it("has its headers before the body, and says so in bit 31", () => {
    expect(written(Uint8Array.of(0x80), "a").toString("hex")).toBe("8000000400018061");
  });

  it("is UTF-8 when it is text, however long", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom(1, 3000), (text, times) => {
        const long = text.repeat(times);
        expect(written(NONE, long).subarray(4).equals(Buffer.from(long))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("is counted among others as it was written", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 5 }), fc.string()), { minLength: 1 }), (list) => {
        const writer = new FrameWriter(1);
        for (const [headers, body] of list) appendEntry(writer, headers, body);
        expect(count(writer.written().slice(), list.length)).toBe(list.length);
        expect(count(writer.written().slice(), list.length - 1)).toBe(EntriesFault.TOO_MANY);
        expect(count(writer.written().slice(0, -1))).toBe(EntriesFault.MALFORMED);
      }),
    );
  });
});
