import fc from "fast-check";
import { Packr } from "msgpackr/pack";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { packHead, unpackHead, unpackResult } from "../../src/protocol/head.js";
import { packHeaders, unpackHeaders } from "../../src/protocol/headers.js";
import { DEAR, inHead, inHeaders, REFUSED, sparseKeys } from "./hostile-msgpack.js";

/** The error text, or "taken". Any other exception fails the test. */
const outcome = (act: () => unknown): string => {
  try {
    act();
    return "taken";
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    // It does not include the value, so its length is bounded.
    expect(error.message.length).toBeLessThan(200);
    return error.kind;
  }
};

const decoders: readonly (readonly [string, (bytes: Uint8Array) => unknown])[] = [
  ["BAD_HEAD", (bytes) => unpackHead(bytes, 0, bytes.length)],
  ["BAD_HEAD", (bytes) => unpackResult(bytes, 0, bytes.length)],
  ["BAD_PAYLOAD", (bytes) => unpackHeaders(bytes, 0, bytes.length)],
];

/** Milliseconds that 64 KiB may take at most, on a busy machine. */
const BOUND = 2_000;

const elapsed = (act: () => void): number => {
  const start = performance.now();
  act();
  return performance.now() - start;
};

describe("bytes of others", () => {
  it.each(REFUSED)("are refused with %s in them, at once", (_, value) => {
    const took = elapsed(() => {
      for (const [kind, decode] of decoders) {
        const whole = kind === "BAD_HEAD" ? inHead(value) : inHeaders(value);
        expect(outcome(() => decode(whole))).toBe(kind);
        expect(outcome(() => decode(Buffer.concat([whole, Buffer.of(0)])))).toBe(kind);
        expect(outcome(() => decode(value))).toBe(kind);
      }
    });
    expect(took).toBeLessThan(BOUND);
  });

  it.each(DEAR)("are decoded or refused in time linear in them: %s", (_, value) => {
    const took = elapsed(() => {
      for (const [, decode] of decoders) {
        for (const whole of [value, inHead(value), inHeaders(value), Buffer.concat([inHeaders(value), Buffer.of(0)])]) {
          outcome(() => decode(whole));
        }
      }
    });
    expect(took).toBeLessThan(BOUND);
  });

  it("are decoded in time linear in them when their keys look like indices", () => {
    const keys = sparseKeys(4_500);
    expect(elapsed(() => unpackHeaders(keys, 0, keys.length))).toBeLessThan(BOUND);
  });

  it("are refused when they are cut anywhere", () => {
    const headers = packHeaders({
      text: "x".repeat(300),
      list: [1, -70_000, 2 ** 40, 1.5, [true]],
      bin: Uint8Array.of(1),
    });
    for (let length = 0; length < headers.length; length++) {
      expect(outcome(() => unpackHeaders(headers, 0, length))).toBe("BAD_PAYLOAD");
    }
    const head = packHead(["topic", { autoAck: true, list: [null, "é".repeat(40)] }]);
    for (let length = 1; length < head.length; length++) {
      expect(outcome(() => unpackHead(head, 0, length))).toBe("BAD_HEAD");
    }
  });

  it("that are any at all are decoded or refused", () => {
    const soup = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.constantFrom(...REFUSED.map(([, value]) => value.subarray(0, 50))), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(soup, fc.constantFrom(0x81, 0x8f, 0x91, 0x9f, 0xdd, 0xdf), (parts, first) => {
        const whole = Buffer.concat([Buffer.of(first), ...(parts instanceof Uint8Array ? [parts] : parts)]);
        for (const [kind, decode] of decoders) expect(["taken", kind]).toContain(outcome(() => decode(whole)));
      }),
      { numRuns: 3_000 },
    );
  });

  it("that are a head have no more values than a head may", () => {
    const head = (values: number): Uint8Array => packHead(["t", new Array(values).fill(0)]);
    expect(outcome(() => decoders[0]?.[1](head(1_021)))).toBe("taken");
    expect(outcome(() => decoders[0]?.[1](head(1_022)))).toBe("BAD_HEAD");
    expect(outcome(() => decoders[1]?.[1](head(100_000)))).toBe("taken");
  });

  it("are decoded out of shared memory, and into memory of their own", () => {
    const packed = packHeaders({ text: "x".repeat(100), short: "y", binary: Uint8Array.of(1, 2, 3) });
    const shared = new Uint8Array(new SharedArrayBuffer(packed.length));
    shared.set(packed);
    for (const bytes of [shared, Buffer.from(packed)]) {
      const headers = unpackHeaders(bytes, 0, bytes.length);
      bytes.fill(0);
      expect(headers).toEqual({ text: "x".repeat(100), short: "y", binary: Uint8Array.of(1, 2, 3) });
    }
  });
});

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.string({ maxLength: 20 }).map((tail) => `\ufeff${tail}`),
);
const key = text.filter((name) => name !== "__proto__");
const big = fc
  .oneof(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }))
  .filter((value) => !Number.isSafeInteger(Number(value)) || BigInt(Number(value)) !== value);
const leaf = fc.oneof(
  text,
  fc.constantFrom(null, true, false, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 60, -(2 ** 63)),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  big,
  fc.uint8Array({ maxLength: 300 }),
);
/** A value of at most `depth` levels of arrays and maps. */
const valuesOf = (depth: number): fc.Arbitrary<unknown> =>
  depth === 0
    ? leaf
    : fc.oneof(
        { weight: 4, arbitrary: leaf },
        { weight: 1, arbitrary: fc.array(valuesOf(depth - 1), { maxLength: 20 }) },
        { weight: 1, arbitrary: fc.dictionary(key, valuesOf(depth - 1), { maxKeys: 20, noNullPrototype: true }) },
      );

describe("values", () => {
  it("arrive as they were sent", () => {
    const headers = fc.dictionary(key, valuesOf(3), { maxKeys: 20, noNullPrototype: true });
    fc.assert(
      fc.property(headers, (sent) => {
        const packed = packHeaders(sent);
        expect(unpackHeaders(packed, 0, packed.length)).toStrictEqual(sent);
      }),
      { numRuns: 300 },
    );
  });

  it("are msgpack as others read it", () => {
    // The same as other libraries: msgpackr writes −0 as 0, and has no bigint for these.
    const plain = fc.oneof(
      text,
      fc.integer(),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.double({ noNaN: true }).map((n) => n + 0),
    );
    const other = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });
    // Its decoder drops a byte order mark from long text.
    fc.assert(
      fc.property(
        fc.array(
          plain.filter((v) => typeof v !== "string" || !v.includes("\ufeff")),
          { maxLength: 40 },
        ),
        (sent) => {
          const ours = packHead(sent);
          expect(other.unpack(ours)).toEqual(sent);
          const theirs = other.pack(sent);
          expect(unpackHead(theirs, 0, theirs.length)).toEqual(sent);
        },
      ),
    );
  });

  it.each([
    [{}, "80"],
    [{ a: 127, b: 128, c: -32, d: -33 }, "84a1617fa162cc80a163e0a164d0df"],
    [{ n: 2 ** 40, m: -(2 ** 40) }, "82a16ecf0000010000000000a16dd3ffffff0000000000"],
    [{ u: 2n ** 64n - 1n, i: -(2n ** 63n) }, "82a175cfffffffffffffffffa169d38000000000000000"],
    [{ z: -0 }, "81a17acb8000000000000000"],
    [{ n: 5n, left: undefined }, "81a16e05"],
    [{ t: "\ufeffx", b: Uint8Array.of(9) }, "82a174a4efbbbf78a162c40109"],
  ])("%o is laid out as it should be", (headers, hex) => {
    expect(Buffer.from(packHeaders(headers)).toString("hex")).toBe(hex);
  });

  it("that are very long have the lengths that tell them", () => {
    for (const length of [23, 24, 25, 31, 32, 255, 256, 60_000]) {
      for (const unit of ["a", "é", "€", "😀"]) {
        const sent = { text: unit.repeat(length / unit.length / 4), binary: new Uint8Array(length / 4) };
        const packed = packHeaders(sent);
        expect(unpackHeaders(packed, 0, packed.length)).toEqual(sent);
      }
    }
    for (const length of [15, 16, 65_535, 65_536]) {
      const sent = [new Array(length).fill(1), Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, i]))];
      const packed = packHead([sent]);
      expect(unpackResult(packed, 0, packed.length)).toEqual([sent]);
    }
  });

  const within: Record<string, unknown> = {};
  within["itself"] = within;
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

  it.each<readonly [string, unknown]>([
    ["a Date", new Date(0)],
    ["a Map", new Map()],
    ["a Set", new Set()],
    ["a RegExp", /x/],
    ["an Error", new Error("x")],
    ["an instance of a class", new (class Point {})()],
    ["a boxed number", Object(5)],
    ["a typed array of another kind", new Uint16Array(1)],
    ["an ArrayBuffer", new ArrayBuffer(1)],
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["undefined in an array", [undefined]],
    ["a hole", new Array(3)],
    ["a cycle", within],
    ["a value that is too deep", deep(8)],
    ["more than 64 bits", 2n ** 64n],
    ["less than 64 bits", -(2n ** 63n) - 1n],
    ["half a surrogate pair", "x\ud800"],
    ["a key that is half a surrogate pair", { "\udfff": 1 }],
    ["a prototype", JSON.parse('{"__proto__":1}')],
  ])("that would not arrive as they are, are refused by name: %s", (_, value) => {
    for (const sent of [value, { inside: value }]) {
      expect(() => packHeaders({ fine: 1, culprit: sent })).toThrow(
        expect.objectContaining({ kind: "BAD_PAYLOAD", message: expect.stringMatching(/"culprit"/) }),
      );
    }
    // The next one is not affected.
    expect(packHeaders({ a: 1 })).toEqual(Uint8Array.of(0x81, 0xa1, 0x61, 1));
  });

  it("are as deep as may be", () => {
    const packed = packHeaders({ deep: deep(7) });
    expect(unpackHeaders(packed, 0, packed.length)).toEqual({ deep: deep(7) });
  });

  it("may pack others while they are read", () => {
    const sent = {
      get now() {
        return packHeaders({ inner: "x" }).length;
      },
      after: "y",
    };
    const packed = packHeaders(sent);
    expect(unpackHeaders(packed, 0, packed.length)).toEqual({ now: 9, after: "y" });
  });
});
