import { describe, expect, test } from "vitest";
import { recognizesLine } from "../../../../../src/main/front-ends/gmq/line/index.js";
import {
  lineEnd,
  MAX_LINE_BYTES,
  nameFault,
  wholeNumber,
  wordsOf,
} from "../../../../../src/main/front-ends/gmq/line/words.js";

const words = (line: string): string[] => {
  const bytes = Buffer.from(line, "latin1");
  return wordsOf(bytes, 0, lineEnd(bytes, 0, bytes.length));
};

describe("words", () => {
  test.each([
    ["pop a b\n", ["pop", "a", "b"]],
    ["pop a b\r\n", ["pop", "a", "b"]],
    ["pub t  0\n", ["pub", "t", "", "0"]],
    ["pop t \n", ["pop", "t", ""]],
    ["pop t \r\n", ["pop", "t", ""]],
    [" \n", ["", ""]],
    ["\n", [""]],
    ["\r\n", [""]],
    ["a\rb\n", ["a\rb"]],
    ["pop \xc3\xa9\n", ["pop", "é"]],
    ["pop \xff\n", ["pop", "\0"]],
  ])("of %j", (line, wanted) => expect(words(line)).toEqual(wanted));

  test("a line ends at its line feed, and within its limit", () => {
    const bytes = Buffer.from(`a\nb\n${"c".repeat(MAX_LINE_BYTES)}\n`);
    expect(lineEnd(bytes, 0, bytes.length)).toBe(2);
    expect(lineEnd(bytes, 2, bytes.length)).toBe(4);
    expect(lineEnd(bytes, 2, 3)).toBe(-1);
    expect(lineEnd(bytes, 4, bytes.length)).toBe(-1);
    expect(lineEnd(bytes, 5, bytes.length)).toBe(4 + MAX_LINE_BYTES + 1);
  });

  test("names are counted in bytes", () => {
    expect(nameFault("E_INVALID_TOPIC", "topic", "n".repeat(255))).toBeUndefined();
    expect(nameFault("E_INVALID_TOPIC", "topic", "é".repeat(128))?.text).toBe("topic is longer than 255 bytes");
  });

  test("numbers are read as Go reads them", () => {
    const numbers = ["5", "+5", "-5", "05", "", "5x", " 5", "0x5", "1e3", "1_000"];
    expect(numbers.map(wholeNumber)).toEqual([5, 5, -5, 5, 0, 0, 0, 0, 0, 0]);
  });
});

describe("first bytes", () => {
  test.each(["pub t  0", "ping x", "vpub", "v112", "POP x", "POSTS", "get / HTTP/1.1", " ", "~", "DELETED "])(
    "%j are of the line protocol",
    (text) => expect(recognizesLine(Buffer.from(text))).toBe(true),
  );

  test.each(["", "v", "v1", "v11", "G", "POST", "OPTIONS", "P", "CONNECT"])("%j may be of it", (text) =>
    expect(recognizesLine(Buffer.from(text))).toBeUndefined(),
  );

  test.each([
    "v111",
    "v111\0",
    "GET ",
    "GET / HTTP/1.1\r\n",
    "POST /push",
    "OPTIONS *",
    "TRACE /",
    "\0",
    "\n",
    "\x16\x03",
    "\x80",
  ])("%j are not", (text) => expect(recognizesLine(Buffer.from(text, "latin1"))).toBe(false));
});
