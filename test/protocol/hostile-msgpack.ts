/** Bytes that are msgpack, or nearly, and cost more to decode than to send. */

const bytes = (...parts: readonly (string | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part.replaceAll(" ", ""), "hex") : part)));

/**
 * `levels` arrays each of which holds the one before ten times, by references (ext 0x69 names a value, ext 0x70 stands
 * for it): a value of 10^levels elements.
 */
const nestedReferences = (levels: number): Uint8Array => {
  let value = bytes("a178");
  for (let level = 1; level <= levels; level++) {
    const id = level.toString(16).padStart(8, "0");
    value = bytes("9a", `d669${id}`, value, ...new Array<string>(9).fill(`d670${id}`));
  }
  return value;
};

/** Repeats bytes up to a length. */
const filled = (front: string, unit: string, length: number): Uint8Array => {
  const head = bytes(front);
  const one = bytes(unit);
  const body = Buffer.alloc(length - head.length - ((length - head.length) % one.length), one);
  return bytes(head, body);
};

/** Values that must be refused, each as an element of an array or a value in a map. */
export const REFUSED: readonly (readonly [string, Uint8Array])[] = [
  ["nested references", nestedReferences(20)],
  ["a record by its number", bytes("d6 72 00000001")],
  ["a named value", bytes("d6 69 00000001 93 01 02 03")],
  ["a reference", bytes("d6 70 00000001")],
  ["a set", bytes("d4 73 00 92 01 02")],
  ["an error", bytes("c7 00 65 93 a0 a0 c0")],
  ["a regular expression", bytes("c7 00 78 92 a161 a0")],
  ["a record", bytes("d4 72 40 91 a161 01")],
  ["undefined", bytes("d4 00 00")],
  ["a timestamp", bytes("d6 ff 00000001")],
  ["a long timestamp", bytes("c7 0c ff 000000010000000000000001")],
  ["a bigint extension", bytes("c7 09 42 000000000000000001")],
  ["an extension of 4 GiB", bytes("c9 ffffffff 01")],
  ["no value at all", bytes("c1")],
  ["4 billion elements", bytes("dd ffffffff")],
  ["4 billion keys", bytes("df ffffffff")],
  ["4 GiB of text", bytes("db ffffffff 61")],
  ["4 GiB of binary", bytes("c6 ffffffff 61")],
  ["text that is not UTF-8", bytes("a3 ff fe fd")],
  ["long text that is not UTF-8", bytes("d9 28", Buffer.alloc(40, 0xc3))],
  ["half a surrogate pair", bytes("a3 ed a0 80")],
  ["a map with a number for a key", bytes("81 01 01")],
  ["a map with a map for a key", bytes("81 80 01")],
  ["a map with nil for a key", bytes("81 c0 01")],
  ["a prototype", bytes("81 a9", Buffer.from("__proto__"), "81 a161 01")],
  ["too deep an array", bytes("91".repeat(9), "01")],
  ["too deep a map", bytes("81a161".repeat(9), "01")],
  ["60,000 arrays deep", Buffer.alloc(60_000, 0x91)],
  ["trailing bytes", bytes("01 01")],
];

/** 64 KiB each, well-formed and as expensive as possible, or with a byte too many at the end. */
export const DEAR: readonly (readonly [string, Uint8Array])[] = [
  ["empty maps", filled("dc fff0", "80", 65_535)],
  ["empty arrays", filled("dc fff0", "90", 65_535)],
  ["short text", filled("dc 7f00", "a161", 65_535)],
  ["text of other alphabets", filled("dc 3f00", "a3e282ac", 65_535)],
  ["bigints", filled("dc 1c00", "cfffffffffffffffff", 65_535)],
  ["binary", filled("dc 7f00", "c400", 65_535)],
  ["one long text", bytes("da fff0", Buffer.alloc(0xfff0, 0x61))],
  ["one long text of other alphabets", bytes("da ffee", Buffer.alloc(0xffee, Buffer.from("€")))],
  ["one long text that is not UTF-8", bytes("da fff0", Buffer.alloc(0xfff0, 0xe2))],
  ["one key again and again", filled("de 5500", "a16101", 65_535)],
];

/** Keys that V8 takes for array indices, far apart and in descending order. */
export const sparseKeys = (count: number): Uint8Array => {
  const parts: Uint8Array[] = [bytes("de", count.toString(16).padStart(4, "0"))];
  for (let i = count; i > 0; i--) {
    const key = Buffer.from(String(i * 700_001));
    parts.push(Buffer.of(0xa0 + key.length), key, Buffer.of(1));
  }
  return Buffer.concat(parts);
};

/** As an element of a head, and as the value of a header. */
export const inHead = (value: Uint8Array): Uint8Array => bytes("92 a174", value);
export const inHeaders = (value: Uint8Array): Uint8Array => bytes("81 a168", value);
