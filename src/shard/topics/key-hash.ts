/**
 * HalfSipHash-1-3 of the keys of messages: a hash with a secret, because clients choose what is hashed. Whoever does not know
 * the secret cannot choose keys that all have the same one.
 */
const rotl = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** `secret`: two words. Answers a word. */
export const hashKey = (bytes: Uint8Array, start: number, end: number, secret: readonly [number, number]): number => {
  let v0 = secret[0];
  let v1 = secret[1];
  let v2 = 0x6c79_6765 ^ v0;
  let v3 = 0x7465_6462 ^ v1;
  const words = (end - start) >>> 2;
  // The last word has the bytes that are left, and the length; three rounds more finish it.
  for (let i = 0; i < words + 4; i++) {
    let word = 0;
    if (i <= words) {
      const at = start + (i << 2);
      if (i < words) {
        word = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
        word |= ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
      } else {
        word = (end - start) << 24;
        for (let j = at; j < end; j++) word |= (bytes[j] as number) << ((j - at) << 3);
      }
    }
    if (i === words + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = rotl(v1, 5) ^ v0;
    v0 = rotl(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotl(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotl(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotl(v1, 13) ^ v2;
    v2 = rotl(v2, 16);
    v0 ^= word;
  }
  return v1 ^ v3;
};
