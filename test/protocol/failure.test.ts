import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { type ReceivedFailure, readFailures } from "../../src/protocol/failure.js";

/** Byte for byte as docs/protocol.md lays it out. */
const FAILURE = Buffer.from(
  [
    "00000003", // number
    "4278e5d6b7a0b800", // time
    "02", // how: timed out
    "02", // length of the consumer
    "0003", // length of the reason
    "6575", // eu
    "627573", // bus
  ].join(""),
  "hex",
);

const read = (bytes: Uint8Array): readonly ReceivedFailure[] | string => {
  try {
    return readFailures(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
  } catch (error) {
    if (error instanceof ProtocolError) return error.kind;
    throw error;
  }
};

describe("failures", () => {
  it("are read one after another", () => {
    const first = { number: 3, time: FAILURE.readDoubleBE(4), how: 2, consumerStart: 16, reasonStart: 18, end: 21 };
    expect(read(Buffer.concat([FAILURE, FAILURE]))).toEqual([
      first,
      { ...first, consumerStart: 37, reasonStart: 39, end: 42 },
    ]);
    expect(read(Buffer.alloc(0))).toEqual([]);
  });

  it("that are cut short are refused wherever they are cut", () => {
    for (let length = 1; length < FAILURE.length; length++) expect(read(FAILURE.subarray(0, length))).toBe("BAD_FRAME");
  });

  it("are read or refused whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        const failures = read(noise);
        if (typeof failures === "string") expect(failures).toBe("BAD_FRAME");
        else for (const { end } of failures) expect(end).toBeLessThanOrEqual(noise.length);
      }),
    );
  });
});
