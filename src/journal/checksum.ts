/**
 * XXH32, the checksum of records. Short ranges are computed in JavaScript: for them, the call into WebAssembly and the
 * copy into its memory cost more than the work.
 */
import xxhash from "xxhash-wasm";

/** The checksum of `view[start, end)`, a number of 32 bits. */
export type Checksum = (view: DataView, start: number, end: number, seed: number) => number;

/** From here on the copy into the memory of WebAssembly has paid. */
const LONG_BYTES = 32 * 1024;

const STRIPE_BYTES = 16;
const PRIME_1 = 0x9e37_79b1;
const PRIME_2 = 0x85eb_ca77;
const PRIME_3 = 0xc2b2_ae3d;
const PRIME_4 = 0x27d4_eb2f;
const PRIME_5 = 0x1656_67b1;

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

const lane = (sum: number, word: number): number =>
  Math.imul(rotate((sum + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);

/** The algorithm as its specification has it, on little-endian words. The better one for short ranges. */
export const xxh32: Checksum = (view, start, end, seed) => {
  let at = start;
  let sum = (seed + PRIME_5) | 0;
  if (end - start >= STRIPE_BYTES) {
    let a = (seed + PRIME_1 + PRIME_2) | 0;
    let b = (seed + PRIME_2) | 0;
    let c = seed | 0;
    let d = (seed - PRIME_1) | 0;
    for (const last = end - STRIPE_BYTES; at <= last; at += STRIPE_BYTES) {
      a = lane(a, view.getUint32(at, true));
      b = lane(b, view.getUint32(at + 4, true));
      c = lane(c, view.getUint32(at + 8, true));
      d = lane(d, view.getUint32(at + 12, true));
    }
    sum = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
  }
  sum = (sum + end - start) | 0;
  for (; at + 4 <= end; at += 4) {
    sum = Math.imul(rotate((sum + Math.imul(view.getUint32(at, true), PRIME_3)) | 0, 17), PRIME_4);
  }
  for (; at < end; at++) sum = Math.imul(rotate((sum + Math.imul(view.getUint8(at), PRIME_5)) | 0, 11), PRIME_1);
  sum = Math.imul(sum ^ (sum >>> 15), PRIME_2);
  sum = Math.imul(sum ^ (sum >>> 13), PRIME_3);
  return (sum ^ (sum >>> 16)) >>> 0;
};

/** Loads the WebAssembly module, once per thread. The function it resolves with is synchronous. */
export const loadChecksum = async (): Promise<Checksum> => {
  const { h32Raw } = await xxhash();
  return (view, start, end, seed) =>
    end - start < LONG_BYTES
      ? xxh32(view, start, end, seed)
      : h32Raw(new Uint8Array(view.buffer, view.byteOffset + start, end - start), seed);
};
