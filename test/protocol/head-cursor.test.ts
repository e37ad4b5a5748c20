import fc from "fast-check";
import { Packr } from "msgpackr/pack";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { HeadCursor, Kind } from "../../src/protocol/head-cursor.js";

/** Reads a whole head in the middle of a larger buffer. */
const read = (head: Uint8Array): unknown[] => {
  const bytes = Buffer.alloc(head.length + 9, 0xff);
  bytes.set(head, 5);
  const cursor = new HeadCursor();
  cursor.begin(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 5, 5 + head.length);
  const elements: unknown[] = [];
  while (cursor.left > 0) {
    cursor.next();
    if (cursor.kind === Kind.NIL) elements.push(null);
    else if (cursor.kind === Kind.BOOLEAN) elements.push(cursor.boolean);
    else if (cursor.kind === Kind.NUMBER) elements.push(cursor.number);
    else if (cursor.kind === Kind.STRING) elements.push(bytes.toString("utf8", cursor.start, cursor.end));
    else elements.push("other");
  }
  return elements;
};

const pack = (value: unknown): Uint8Array => new Packr({ useRecords: false }).pack(value);

describe("a head", () => {
  test("reads as what msgpackr has packed", () => {
    const element = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.maxSafeInteger(),
      // msgpackr writes −0 as 0.
      fc.double({ noNaN: true }).map((value) => value + 0),
      fc.string({ unit: "binary", maxLength: 300 }),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 40 }), (head) => {
        expect(read(pack(head))).toEqual(head);
      }),
      { numRuns: 500 },
    );
  });

  test("reads every form of a number and of a string", () => {
    const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");
    expect(read(hex("97 cc80 cd0100 ce80000000 cf0000000100000000 7f e0 00"))).toEqual([
      128, 256, 0x8000_0000, 0x1_0000_0000, 127, -32, 0,
    ]);
    expect(read(hex("96 d080 d1ff00 d280000000 d3ffffffffffffffff ca3fc00000 cb3ff8000000000000"))).toEqual([
      -128, -256, -0x8000_0000, -1, 1.5, 1.5,
    ]);
    expect(read(hex("dc0004 a161 d90162 da000163 db0000000164"))).toEqual(["a", "b", "c", "d"]);
    expect(read(hex("dd00000001 c0"))).toEqual([null]);
  });

  test("ends at an element that is not read here", () => {
    expect(read(pack(["a", { b: 1 }, 3]))).toEqual(["a", "other"]);
    expect(read(pack(["a", [1], 3]))).toEqual(["a", "other"]);
  });

  test("has nil past its end", () => {
    const cursor = new HeadCursor();
    cursor.begin(new DataView(new ArrayBuffer(0)), 0, 0);
    cursor.next();
    expect([cursor.kind, cursor.left]).toEqual([Kind.NIL, 0]);
  });

  test("that is no array, or is cut anywhere, is refused", () => {
    expect(() => read(pack("text"))).toThrow(ProtocolError);
    const whole = pack(["topic", 70_000, "x".repeat(40), 1.25, -5]);
    for (let length = 1; length < whole.length; length++) {
      expect(() => read(whole.subarray(0, length))).toThrow(ProtocolError);
    }
  });

  test("of random bytes is read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          read(Buffer.concat([Buffer.from([0x9f]), bytes]));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
