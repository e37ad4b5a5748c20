import { describe, expect, it } from "vitest";
import { eachContext, parseContext } from "../../../src/main/tracing/trace-context.js";
import { HAS_HEADERS } from "../../../src/protocol/entry.js";
import { type Headers, packHeaders } from "../../../src/protocol/headers.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const PARENT = `00-${TRACE}-${SPAN}-01`;

describe("traceparent", () => {
  it.each([
    ["as W3C has it", PARENT, 1],
    ["with flags that are not known", `00-${TRACE}-${SPAN}-03`, 3],
    ["of a later version, with more behind it", `cc-${TRACE}-${SPAN}-01-what-comes`, 1],
  ])("is read %s", (_, text, flags) => {
    expect(parseContext(text, "a=1")).toEqual({ traceId: TRACE, spanId: SPAN, flags, state: "a=1" });
  });

  it.each([
    ["that nobody wants to see", `00-${TRACE}-${SPAN}-00`],
    ["whose ids are nothing", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["whose span is nothing", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["of version ff", `ff-${TRACE}-${SPAN}-01`],
    ["in capitals", PARENT.toUpperCase()],
    ["that is longer", `${PARENT}0`],
    ["that is shorter", PARENT.slice(0, -1)],
    ["that is no text", 1],
  ])("is not taken %s", (_, text) => {
    expect(parseContext(text, undefined)).toBeUndefined();
  });

  it("goes without a state that is too long, or no text", () => {
    for (const state of ["a".repeat(513), 1, ""]) expect(parseContext(PARENT, state)?.state).toBeUndefined();
  });
});

const entryOf = (headers: Headers | undefined, body = "x"): Buffer => {
  const packed = headers === undefined ? Buffer.alloc(0) : packHeaders(headers);
  const length = Buffer.alloc(headers === undefined ? 0 : 2);
  if (headers !== undefined) length.writeUInt16BE(packed.length);
  const content = Buffer.concat([length, packed, Buffer.from(body)]);
  const word = Buffer.alloc(4);
  word.writeUInt32BE(content.length + (headers === undefined ? 0 : HAS_HEADERS));
  return Buffer.concat([word, content]);
};

const runsOf = (bytes: Uint8Array, start = 0, end = bytes.length, most = 100): unknown[] => {
  const found: unknown[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  eachContext(
    bytes,
    view,
    start,
    end,
    ({ spanId }, first, count) => found.push([spanId.slice(-2), first, count]) < most,
  );
  return found;
};

const of = (span: string): Headers => ({
  other: [1, { a: null }],
  traceparent: `00-${TRACE}-${span.padStart(16, "1")}-01`,
});

describe("entries", () => {
  it("are told in runs of the same part of a trace", () => {
    const entries = [of("aa"), of("aa"), undefined, of("bb"), { a: "traceparent" }, of("bb"), of("cc")].map((each) =>
      entryOf(each),
    );
    const bytes = Buffer.concat([Buffer.from("before"), ...entries]);
    expect(runsOf(bytes, 6, bytes.length, 2)).toEqual([
      ["aa", 0, 2],
      ["bb", 3, 1],
    ]);
    expect(runsOf(bytes, 6)).toEqual([
      ["aa", 0, 2],
      ["bb", 3, 1],
      ["bb", 5, 1],
      ["cc", 6, 1],
    ]);
  });

  it("are told where they lie in memory that threads share", () => {
    const bytes = entryOf(of("aa"));
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 8), 4, bytes.length);
    shared.set(bytes);
    expect(runsOf(shared)).toEqual([["aa", 0, 1]]);
  });

  it("are told up to what makes no sense, whatever that is", () => {
    const whole = Buffer.concat([entryOf(of("aa")), entryOf(of("bb"))]);
    const first = entryOf(of("aa")).length;
    for (let end = 0; end <= whole.length; end++) {
      const found = runsOf(whole, 0, end);
      expect(found.length).toBe(end < first ? 0 : end < whole.length ? 1 : 2);
    }
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0x7f, 0x80, 0xff]) {
        const damaged = Buffer.from(whole);
        damaged[at] = value;
        expect(runsOf(damaged).length).toBeLessThanOrEqual(3);
      }
    }
  });
});
