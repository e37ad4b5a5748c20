import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { readFaults, readReceipts, writeSelection } from "../../src/protocol/selection.js";

const view = (hex: string): DataView => {
  const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
  return new DataView(bytes.buffer);
};

describe("selections, faults and receipts", () => {
  it("are laid out as the specification says", () => {
    const bytes = new Uint8Array(18);
    writeSelection(new DataView(bytes.buffer), 2, 0x01020304, 0xfffefdfc, 5, 6);
    expect(Buffer.from(bytes).toString("hex")).toBe("000001020304fffefdfc0000000500000006");
  });

  it("are read one after another", () => {
    const faults = view("00000001800000020000000300160000" + "00000000000000010000000100170000");
    expect(readFaults(faults, 0, 32)).toEqual([
      { high: 1, low: 0x8000_0002, count: 3, code: 22 },
      { high: 0, low: 1, count: 1, code: 23 },
    ]);
    const receipts = view(`${"ff".repeat(3)}00000009000000020000000180000000000000ff`);
    expect(readReceipts(receipts, 3, 23)).toEqual([
      { request: 9, requests: 2, high: 1, low: 0x8000_0000, messages: 255 },
    ]);
  });

  it("are refused when they are cut short", () => {
    expect(() => readFaults(view("00".repeat(17)), 0, 17)).toThrow(ProtocolError);
    expect(() => readReceipts(view("01".repeat(19)), 0, 19)).toThrow(ProtocolError);
  });

  it("are refused when they say nothing: no receipt, or one for no request", () => {
    expect(readFaults(view(""), 0, 0)).toEqual([]);
    expect(() => readReceipts(view(""), 0, 0)).toThrow(ProtocolError);
    expect(() => readReceipts(view("00".repeat(20)), 0, 20)).toThrow(ProtocolError);
  });
});
