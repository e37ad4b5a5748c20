import { expect, it } from "vitest";
import { MIN_BODY_BYTES, makeBody, readBody } from "../../src/torture/body.js";

const BODY = { run: 0xdead_beef, slot: 123_456, topic: 700, first: 1, copies: 2, due: 1_767_225_600_000.5 };

it("a body says what it was made with, whatever its length and wherever it lies", () => {
  for (const length of [MIN_BODY_BYTES, MIN_BODY_BYTES + 1, 1_000]) {
    const bytes = makeBody(BODY, length);
    expect(bytes.length).toBe(length);
    const among = new Uint8Array(length + 10);
    among.set(bytes, 5);
    expect(readBody(among.subarray(5, 5 + length))).toEqual(BODY);
  }
});

it("a body of which any byte is another, or that is cut or longer, says nothing", () => {
  const bytes = makeBody(BODY, 80);
  for (let i = 0; i < bytes.length; i++) {
    const other = bytes.slice();
    other[i] = (other[i] ?? 0) ^ 1;
    expect(readBody(other)).toBeUndefined();
  }
  for (let length = 0; length < bytes.length; length++) expect(readBody(bytes.subarray(0, length))).toBeUndefined();
  expect(readBody(new Uint8Array([...bytes, 0]))).toBeUndefined();
});
