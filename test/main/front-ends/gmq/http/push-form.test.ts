/** What streaming readers find is what the platform's whole-text parsers find, however the bytes are cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formType, PushForm } from "../../../../../src/main/front-ends/gmq/http/push-form.js";

const LIMIT = 1 << 20;
const URL_ENCODED = "application/x-www-form-urlencoded";

type Outcome = { readonly topic: string; readonly delay: number; readonly routeKey: string; readonly body: string };

/** Reads a form whose bytes come in parts that end at these places. */
const read = (type: string, bytes: Buffer, cuts: readonly number[] = []): Outcome | string | undefined => {
  const form = new PushForm(LIMIT);
  const kind = formType(type);
  if (kind === undefined) throw new Error("the type is a form's");
  form.begin(kind);
  let start = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    // A copy: what is kept must not be these bytes.
    const part = Buffer.from(bytes.subarray(start, cut));
    form.write(part);
    part.fill(0x21);
    start = cut;
  }
  const job = form.end();
  const body = form.body.withLead().subarray(4).toString();
  form.body.release();
  return typeof job === "object" ? { ...job, body } : job;
};

/** The rules of gmq's message over JSON.parse, as it was before texts came in parts. */
const expected = (text: string): Outcome | "refused" => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "refused";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "refused";
  const fields = new Map(Object.entries(value));
  const field = (name: string): unknown => {
    if (fields.has(name)) return fields.get(name) ?? undefined;
    for (const [key, each] of fields)
      if (key.length === name.length && key.toLowerCase() === name) return each ?? undefined;
    return undefined;
  };
  const {
    topic = "",
    body = "",
    delay = 0,
    routeKey = "",
  } = {
    topic: field("topic"),
    body: field("body"),
    delay: field("delay"),
    routeKey: field("route_key"),
  };
  if (typeof topic !== "string" || typeof body !== "string" || typeof routeKey !== "string") return "refused";
  if (typeof delay !== "number" || !Number.isInteger(delay) || delay > 315_360_000) return "refused";
  if (topic === "" || topic.length > 255 || routeKey.length > 255) return "refused";
  const text8 = (each: string): string => Buffer.from(each).toString();
  return { topic: text8(topic), delay: Math.max(0, delay) * 1000, routeKey: text8(routeKey), body: text8(body) };
};

const names = ["topic", "Topic", "TOPIC", "body", "BODY", "bOdy", "delay", "Delay", "route_key", "ROUTE_KEY", "x", ""];
const value = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  fc.string({ unit: "grapheme", minLength: 250, maxLength: 300 }),
  fc.integer({ min: -10, max: 1000 }),
  fc.double(),
  fc.constantFrom(null, true, "\ud800", "\udc00x", "\ud83d\ude00", 1e300),
  fc.jsonValue({ maxDepth: 3 }),
);
/** Objects as texts, so that a name can come twice. */
const object = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 80 })), value), { maxLength: 8 })
  .map((members) => `{${members.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join(", ")}}`);
/** The same with escapes for characters that need none, and with damage. */
const escaped = object.map((text) =>
  text.replaceAll(/[a-z]/g, (c) => (c < "d" ? `\\u00${c.charCodeAt(0).toString(16)}` : c)),
);
const damaged = fc
  .tuple(
    object,
    fc.nat(),
    fc.constantFrom("", "{", "}", "]", ",", '"', "\\", "0", "-", ".", "e", "\n", "\u0001", "tru"),
  )
  .map(([text, at, piece]) => text.slice(0, at % (text.length + 1)) + piece + text.slice((at % (text.length + 1)) + 1));
const cuts = fc.array(fc.nat(), { maxLength: 6 });

const same = (actual: ReturnType<typeof read>, text: string): void => {
  const wanted = expected(text);
  if (wanted === "refused") expect(typeof actual).toBe("string");
  else expect(actual).toEqual(wanted);
};

describe("a message in a form", () => {
  test.each([
    ["as JSON.stringify writes it", object],
    ["with escapes", escaped],
    ["with damage", damaged],
  ])("%s is what JSON.parse says of it, however it is cut", (_, texts) => {
    fc.assert(
      fc.property(texts, cuts, (lone, places) => {
        // Halves of surrogate pairs cannot be sent but as escapes.
        const text = Buffer.from(lone).toString();
        if (text === "") return;
        same(read(URL_ENCODED, Buffer.from(`data=${encodeURIComponent(text)}`), places), text);
      }),
      { numRuns: 3000 },
    );
  });

  test("of a number that is not whole, whatever stands behind it, is refused", () => {
    for (const number of ["-", "1.", "1e", "1e+"]) {
      for (const behind of ["\\", "n", '"', " ", "}"]) {
        const text = `{"topic":"t","x":${number}${behind}u0041","body":"b"}`;
        same(read(URL_ENCODED, Buffer.from(`data=${encodeURIComponent(text)}`), []), text);
      }
    }
  });

  test("is found where URLSearchParams finds it, however it is cut", () => {
    const piece = fc.constantFrom(
      "&",
      "=",
      "+",
      "%",
      "data",
      "d%61ta",
      "D",
      "%2",
      "%zz",
      "x=1",
      "data=",
      "&data=",
      "%26",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), cuts, (pieces, places) => {
        const text = pieces.join("");
        const data = new URLSearchParams(`&${text}`).get("data");
        const got = read(URL_ENCODED, Buffer.from(text), places);
        if (data === null || data === "") expect(got).toBeUndefined();
        else same(got, data);
      }),
      { numRuns: 5000 },
    );
  });

  test("has U+FFFD for what is not UTF-8, raw or escaped", () => {
    const raw = Buffer.concat([Buffer.from('data={"topic":"t","body":"a'), Buffer.of(0xff), Buffer.from('%C3b"}')]);
    expect(read(URL_ENCODED, raw)).toMatchObject({ body: "a\ufffd\ufffdb" });
    expect(read(URL_ENCODED, raw, [27, 28, 29, 30, 31])).toMatchObject({ body: "a\ufffd\ufffdb" });
  });

  test("does not begin with U+FEFF, and may have it anywhere else", () => {
    expect(read(URL_ENCODED, Buffer.from('data=\ufeff{"topic":"t"}'))).toMatch(/^data is not JSON/);
    expect(read(URL_ENCODED, Buffer.from('data={"topic":"\ufefft","body":"\ufeffb"}'))).toMatchObject({
      topic: "\ufefft",
      body: "\ufeffb",
    });
  });

  test.each([
    ["{".repeat(1), /ends too early/],
    ['{"a":'.repeat(100_000), /nested deeper than 64/],
    [`{"a":${"[".repeat(100_000)}`, /nested deeper than 64/],
    ['{"35":0},'.repeat(1000), /unexpected , at 8/],
    [`{"topic":"t","delay":1${"0".repeat(1_000_000)}}`, /delay is not a whole number/],
    [`{"topic":"t","body":"${"x".repeat(10)}`, /ends too early/],
    ['{"topic":"t","body":"\u0001"}', /unexpected byte 0x1 at/],
    ["[1]", /not a JSON object/],
    ["nothing", /not a JSON object|not JSON/],
  ])("%.20s… is refused", (text, reason) => {
    expect(read(URL_ENCODED, Buffer.from(`data=${text}`))).toMatch(reason);
  });

  test("may have a hundred thousand members and long names that mean nothing", () => {
    const members = Array.from({ length: 100_000 }, (_, i) => `"k${i}":${i},`).join("");
    const text = `{${members}"${"n".repeat(100_000)}":1,"__proto__":{"topic":"p"},"topic":"t","topic":"u"}`;
    expect(read(URL_ENCODED, Buffer.from(`data=${text}`), [1000, 70_000])).toMatchObject({ topic: "u", body: "" });
  });
});

describe("a multipart form", () => {
  const TYPE = "multipart/form-data; boundary=--b1";
  const part = (headers: string, content: string): string => `----b1\r\n${headers}\r\n\r\n${content}\r\n`;
  const data = (content: string): string => part('Content-Disposition: form-data; name="data"', content);
  const END = "----b1--\r\n";
  const message = '{"topic":"t","body":"\\r\\n----b"}';
  const job = { topic: "t", delay: 0, routeKey: "", body: "\r\n----b" };

  test.each([
    ["alone", data(message) + END],
    ["with text before it", `preamble\r\n${data(message)}${END}`],
    ["behind others", part('Content-Disposition: form-data; name="x"', "1\r\n--\r\n----b\r\n") + data(message) + END],
    ["behind one without headers", `----b1\r\n\r\n1\r\n${data(message)}${END}`],
    ["with more headers", part(`Content-Type: text/plain\r\ncontent-disposition: form-data; name=data`, message) + END],
    ["before another of the name", data(message) + data("{}") + END],
    ["with a line end in it", data(`{"topic":"t",\r\n\r"body":"\\r\\n----b"}`) + END],
  ])("has its data %s, wherever it is cut", (_, text) => {
    const bytes = Buffer.from(text);
    expect(read(TYPE, bytes)).toEqual(job);
    for (let cut = 0; cut <= bytes.length; cut++) expect(read(TYPE, bytes, [cut])).toEqual(job);
    expect(
      read(
        TYPE,
        bytes,
        Array.from({ length: bytes.length }, (_, i) => i),
      ),
    ).toEqual(job);
  });

  test.each([
    ["nothing", "", TYPE],
    ["no end", data(message).slice(0, -3), TYPE],
    ["a file of that name", part('Content-Disposition: form-data; name="data"; filename="f"', message) + END, TYPE],
    ["a name in a name", part('Content-Disposition: form-data; name="x; name=data"', message) + END, TYPE],
    [
      "more headers than a part has",
      part(`X: ${"x".repeat(5000)}\r\nContent-Disposition: form-data; name=data`, message),
      TYPE,
    ],
    ["another boundary", data(message) + END, "multipart/form-data; boundary=b2"],
    ["no boundary", data(message) + END, "multipart/form-data"],
    ["a boundary with a line end", data(message) + END, 'multipart/form-data; boundary="a\rb"'],
    ["an end before it", END + data(message), TYPE],
  ])("with %s has no data", (_, text, type) => {
    expect(read(type, Buffer.from(text))).toBeUndefined();
  });
});
