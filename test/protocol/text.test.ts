import { expect, it } from "vitest";
import { readStrictText, readText, readTextUpTo } from "../../src/protocol/text.js";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

it("text keeps a byte order mark, whatever its length", () => {
  for (const tail of ["", "x", "x".repeat(300)]) {
    const text = `\ufeff${tail}`;
    expect(readText(encode(text))).toBe(text);
    expect(readStrictText(encode(text), 0, encode(text).length)).toBe(text);
  }
});

it("what is not UTF-8 is replaced, or no text", () => {
  expect(readText(Uint8Array.of(0x61, 0xff))).toBe("a\ufffd");
  expect(readStrictText(Uint8Array.of(0x61, 0xff), 0, 2)).toBeUndefined();
});

it("text is cut between characters", () => {
  for (const unit of ["a", "é", "€", "😀"]) {
    const bytes = encode(unit.repeat(20));
    for (let most = 0; most <= bytes.length + 1; most++) {
      const whole = Math.min(20, Math.floor(most / encode(unit).length));
      expect(readTextUpTo(bytes, 0, bytes.length, most)).toBe(unit.repeat(whole));
    }
  }
});
