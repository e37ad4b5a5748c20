import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { type ReceivedRun, readRuns } from "../../src/protocol/run.js";

/** A run with a route key of 2 bytes and two entries, byte for byte as docs/protocol.md lays it out. */
const RUN = Buffer.from(
  [
    "0000000100000002", // first id
    "00000002", // count
    "0000000b", // bytes
    "00000007", // delivery
    "0003", // retry
    "02", // reason: expired
    "02", // length of the route key
    "4278e5d6b7a0b800", // time
    "6575", // eu
    "00000001" + "61", // a
    "00000002" + "6262", // bb
  ].join(""),
  "hex",
);

/** The same with a failure. */
const FAILED = Buffer.concat([
  RUN.subarray(0, 22),
  Buffer.from("82", "hex"),
  RUN.subarray(23, 34),
  Buffer.from(`0012${"00000001"}${"4278e5d6b7a0b800"}01${"01"}${"0001"}6272`, "hex"),
  RUN.subarray(34),
]);

const read = (bytes: Buffer): readonly ReceivedRun[] | string => {
  const padded = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(5, 0xff)]);
  try {
    return readRuns(new DataView(padded.buffer, padded.byteOffset, padded.length), 3, 3 + bytes.length);
  } catch (error) {
    if (error instanceof ProtocolError) return error.kind;
    throw error;
  }
};

describe("runs", () => {
  it("are read one after another, with where their parts are", () => {
    const time = RUN.readDoubleBE(24);
    const first = { idHigh: 1, idLow: 2, count: 2, delivery: 7, retry: 3, reason: 2, time };
    expect(read(Buffer.concat([RUN, RUN]))).toEqual([
      { ...first, keyStart: 35, keyEnd: 37, failuresStart: 37, start: 37, end: 48 },
      { ...first, keyStart: 80, keyEnd: 82, failuresStart: 82, start: 82, end: 93 },
    ]);
    expect(read(Buffer.alloc(0))).toEqual([]);
  });

  it("may have failures before their entries", () => {
    expect(read(FAILED)).toMatchObject([{ reason: 2, keyEnd: 37, failuresStart: 39, start: 39 + 18, end: 48 + 20 }]);
  });

  it("that are cut short are refused wherever they are cut", () => {
    for (let length = 1; length < RUN.length; length++) expect(read(RUN.subarray(0, length))).toBe("BAD_FRAME");
    for (let length = 1; length < FAILED.length; length++) expect(read(FAILED.subarray(0, length))).toBe("BAD_FRAME");
  });

  it("that do not have as many entries as they say are refused", () => {
    for (const count of [0, 1, 3, 0xffff_ffff]) {
      const bytes = Buffer.from(RUN);
      bytes.writeUInt32BE(count, 8);
      expect(read(bytes)).toBe("BAD_FRAME");
    }
  });

  it("are read or refused whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.nat(RUN.length), (noise, at) => {
        const bytes = Buffer.concat([RUN, RUN]);
        bytes.set(noise, at);
        const runs = read(bytes);
        if (typeof runs === "string") expect(runs).toBe("BAD_FRAME");
        else for (const { end } of runs) expect(end).toBeLessThanOrEqual(3 + bytes.length);
      }),
    );
  });
});
