import fc from "fast-check";
import { expect, it } from "vitest";
import { hexText } from "../../../src/console/parts/hex-text.js";
import { indentedJson } from "../../../src/console/parts/json-text.js";

it("indents JSON, and leaves numbers and texts as they were written", () => {
  const source = '{"id":12345678901234567890,"price":1.10,"tags":["a,b:{}","\\u00e9\\"[",[],{}],"none":null}';
  expect(indentedJson(source)).toBe(`{
  "id": 12345678901234567890,
  "price": 1.10,
  "tags": [
    "a,b:{}",
    "\\u00e9\\"[",
    [],
    {}
  ],
  "none": null
}`);
});

it("says the same as before, laid out as JSON.stringify does", () => {
  const noProto = fc.json().filter((text) => !text.includes("__proto__"));
  fc.assert(
    fc.property(noProto, (text) => {
      const indented = indentedJson(text);
      expect(JSON.parse(indented ?? "")).toEqual(JSON.parse(text));
      expect(indentedJson(JSON.stringify(JSON.parse(text)))).toBe(JSON.stringify(JSON.parse(text), null, 2));
    }),
  );
});

it("is undefined for what is no JSON", () => {
  for (const text of ["", "{", "a", "{a:1}", "[1,]", "<img>"]) expect(indentedJson(text), text).toBeUndefined();
});

it("is undefined for what would be too long: a body of a few kilobytes may not fill the memory of a browser", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  expect(indentedJson(nested(3))).toBe("[\n  [\n    []\n  ]\n]");
  expect(indentedJson(nested(100_000))).toBeUndefined();
  const long = JSON.stringify(`${"x".repeat(100_000)}${'\\"'.repeat(50_000)}`);
  expect(indentedJson(long)).toBe(long);
  expect(indentedJson(`${"[".repeat(500)}${"1,".repeat(50_000)}1${"]".repeat(500)}`)).toBeUndefined();
});

it("shows bytes as hexdump -C does", () => {
  const bytes = new TextEncoder().encode("a body of 18 byte\n");
  expect(hexText(bytes)).toBe(
    [
      "00000000  61 20 62 6f 64 79 20 6f  66 20 31 38 20 62 79 74  |a body of 18 byt|",
      "00000010  65 0a                                             |e.|",
    ].join("\n"),
  );
  expect(hexText(new Uint8Array())).toBe("");
});
