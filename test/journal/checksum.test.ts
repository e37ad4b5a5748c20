import { expect, it } from "vitest";
import xxhash from "xxhash-wasm";
import { checksum } from "./keeper.js";

const { h32Raw } = await xxhash();

/** Bytes without a pattern, the same each time. */
const noise = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let i = 0, word = 1; i < length; i++) {
    word = (Math.imul(word, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = word >>> 16;
  }
  return bytes;
};

it("is XXH32, for each length, place and seed", () => {
  const bytes = noise(300);
  const view = new DataView(bytes.buffer);
  for (let length = 0; length < 200; length++) {
    for (const start of [0, 1, 7, 8]) {
      for (const seed of [0, 1, 0x9e37_79b1, 0xffff_ffff]) {
        const expected = h32Raw(bytes.subarray(start, start + length), seed);
        expect(checksum(view, start, start + length, seed)).toBe(expected);
      }
    }
  }
});

it("is the same for stretches that are long, and in the middle of a buffer", () => {
  const bytes = noise(200_000);
  const part = bytes.subarray(1000);
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  for (const length of [32_767, 32_768, 32_769, 150_001]) {
    expect(checksum(view, 24, 24 + length, 42)).toBe(h32Raw(part.subarray(24, 24 + length), 42));
  }
});
