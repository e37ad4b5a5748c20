/**
 * Values in DER (X.690), as far as a certificate has them: a tag, a length, the contents. Whoever writes them needs no
 * more than to put parts together.
 */

const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OBJECT_IDENTIFIER: 0x06,
  UTF8_STRING: 0x0c,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;

/** Lengths below it are one byte; others are a count of bytes with this bit, then those bytes. */
const LONG = 0x80;

const lengthOf = (bytes: number): number[] => {
  if (bytes < LONG) return [bytes];
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [LONG | digits.length, ...digits];
};

const value = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(bytes)]), ...parts]);
};

export const sequence = (...parts: readonly Uint8Array[]): Buffer => value(Tag.SEQUENCE, ...parts);

export const set = (...parts: readonly Uint8Array[]): Buffer => value(Tag.SET, ...parts);

/** A positive number, the most significant byte first. Not 0, and without zeros ahead. */
export const integer = (bytes: Uint8Array): Buffer =>
  value(Tag.INTEGER, ...(Number(bytes[0]) >= 0x80 ? [Buffer.of(0)] : []), bytes);

export const TRUE = value(Tag.BOOLEAN, Buffer.of(0xff));

export const octetString = (bytes: Uint8Array): Buffer => value(Tag.OCTET_STRING, bytes);

/** `unused`: bits at the end of the last byte that do not count. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer => value(Tag.BIT_STRING, Buffer.of(unused), bytes);

export const utf8String = (text: string): Buffer => value(Tag.UTF8_STRING, Buffer.from(text));

/** `1.2.840.10045.4.3.2`: the first two numbers share a byte, others are digits of 7 bits, with a bit on all but the last. */
export const objectIdentifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const number of others) {
    const digits = [number % 128];
    for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128))
      digits.unshift(0x80 | (rest % 128));
    bytes.push(...digits);
  }
  return value(Tag.OBJECT_IDENTIFIER, Buffer.from(bytes));
};

/** UTCTime has two digits of a year: RFC 5280 wants it up to 2049, and the other one from then on. */
const LAST_OF_UTC_TIME = 2049;

/** To the second. `at`: milliseconds since 1970. */
export const time = (at: number): Buffer => {
  const date = new Date(at);
  const digits = `${date.toISOString().replaceAll(/\D/g, "").slice(0, 14)}Z`;
  return date.getUTCFullYear() <= LAST_OF_UTC_TIME
    ? value(Tag.UTC_TIME, Buffer.from(digits.slice(2)))
    : value(Tag.GENERALIZED_TIME, Buffer.from(digits));
};

/** `[number] IMPLICIT`, of bytes. */
export const tagged = (number: number, bytes: Uint8Array): Buffer => value(CONTEXT | number, bytes);

/** `[number] EXPLICIT`, around a value. */
export const wrapped = (number: number, part: Uint8Array): Buffer => value(CONTEXT | CONSTRUCTED | number, part);
