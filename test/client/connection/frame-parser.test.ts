import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameParser } from "../../../src/client/connection/frame-parser.js";
import { ProtocolError } from "../../../src/protocol/errors.js";
import { HEAD, OP } from "../../../src/protocol/frame.js";
import { frame } from "../../main/frames.js";

interface Taken {
  readonly bytes: Uint8Array;
  readonly op: number;
  readonly head: number;
  readonly payload: string;
}

const parser = (): { readonly parser: FrameParser; readonly taken: Taken[] } => {
  const taken: Taken[] = [];
  const take = (bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void => {
    const text = Buffer.from(bytes.subarray(payload, end)).toString();
    taken.push({ bytes, op: view.getUint8(start + OP), head: payload - start - HEAD, payload: text });
  };
  return { parser: new FrameParser(take), taken };
};

const FRAMES = [
  frame(0x81, 7, ["a head"], Buffer.from("first")),
  frame(0x82, 8),
  frame(0x83, 9, [], Buffer.from("x".repeat(300))),
];
const STREAM = new Uint8Array(Buffer.concat(FRAMES));
const EXPECTED = [
  { op: 0x81, head: 8, payload: "first" },
  { op: 0x82, head: 0, payload: "" },
  { op: 0x83, head: 0, payload: "x".repeat(300) },
];

const kind = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ProtocolError) return error.kind;
    throw error;
  }
  return "nothing";
};

describe("the frames of a stream", () => {
  it("come whole when the stream comes byte by byte", () => {
    const { parser: parse, taken } = parser();
    for (const byte of STREAM) parse.push(Uint8Array.of(byte));
    expect(taken).toMatchObject(EXPECTED);
  });

  it("come whole however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
        const { parser: parse, taken } = parser();
        const ends = [...cuts, STREAM.length].sort((a, b) => a - b);
        let start = 0;
        for (const end of ends) {
          parse.push(STREAM.slice(start, end));
          start = end;
        }
        expect(taken).toMatchObject(EXPECTED);
      }),
    );
  });

  it("are handed on where they are when a chunk holds them whole", () => {
    const { parser: parse, taken } = parser();
    parse.push(STREAM);
    expect(taken.map(({ bytes }) => bytes === STREAM)).toEqual([true, true, true]);
  });

  it("are handed on once they are whole and not before", () => {
    const { parser: parse, taken } = parser();
    parse.push(STREAM.slice(0, -1));
    expect(taken).toHaveLength(2);
    parse.push(STREAM.slice(-1));
    expect(taken).toHaveLength(3);
  });
});

describe("what is no frame", () => {
  const length = (n: number): Uint8Array => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(n);
    return new Uint8Array(bytes);
  };

  it("is refused for a length below that of an empty frame", () => {
    expect(kind(() => parser().parser.push(length(7)))).toBe("BAD_FRAME");
  });

  it("is refused by its length before any of it has come", () => {
    const { parser: parse } = parser();
    parse.maxFrameBytes = 1000;
    expect(kind(() => parse.push(length(1001)))).toBe("FRAME_TOO_LARGE");
    expect(kind(() => parser().parser.push(length(0xffff_ffff)))).toBe("FRAME_TOO_LARGE");
  });

  it("is refused by a length that comes byte by byte", () => {
    const { parser: parse } = parser();
    const kinds = [...length(0xffff_ffff)].map((byte) => kind(() => parse.push(Uint8Array.of(byte))));
    expect(kinds).toEqual(["nothing", "nothing", "nothing", "FRAME_TOO_LARGE"]);
  });

  it("is refused when its head runs past its end", () => {
    const bytes = Buffer.from(frame(0x82, 1, ["head"]));
    bytes.writeUInt16BE(500, 6);
    expect(kind(() => parser().parser.push(new Uint8Array(bytes)))).toBe("BAD_FRAME");
  });

  it("never brings the parser down in another way", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { parser: parse } = parser();
        parse.maxFrameBytes = 64;
        expect(["nothing", "BAD_FRAME", "FRAME_TOO_LARGE"]).toContain(kind(() => parse.push(bytes)));
      }),
    );
  });
});
