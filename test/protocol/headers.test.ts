import { expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.js";
import { packHeaders, unpackHeaders } from "../../src/protocol/headers.js";

const unpacked = (bytes: readonly number[]): unknown => {
  try {
    return unpackHeaders(Uint8Array.from(bytes), 0, bytes.length);
  } catch (error) {
    return error instanceof ProtocolError ? error.kind : error;
  }
};

it("headers are a msgpack map, in its shortest form", () => {
  const headers = { name: "x", n: -5, list: [1, null, true], big: 2 ** 40, bytes: Uint8Array.of(1) };
  const packed = packHeaders(headers);
  expect(packed[0]).toBe(0x85);
  expect(unpackHeaders(packed, 0, packed.length)).toEqual(headers);
});

it("headers may not take more than their length field can tell", () => {
  const room = 65_535 - 1 - 2 - 3;
  expect(packHeaders({ a: "x".repeat(room) })).toHaveLength(65_535);
  expect(() => packHeaders({ a: "x".repeat(room + 1) })).toThrow(ProtocolError);
});

it("what is no map is refused", () => {
  expect(unpacked([0x91, 0x01])).toBe("BAD_PAYLOAD");
  expect(unpacked([0xc0])).toBe("BAD_PAYLOAD");
  expect(unpacked([0x81, 0xa1])).toBe("BAD_PAYLOAD");
  expect(unpacked([])).toBe("BAD_PAYLOAD");
});

it("a header cannot become the prototype of the others", () => {
  expect(unpacked([0x81, 0xa9, ...Buffer.from("__proto__"), 0x81, 0xa1, 0x78, 0x01])).toBe("BAD_PAYLOAD");
  expect(() => packHeaders(JSON.parse('{"__proto__":{"x":1}}'))).toThrow(ProtocolError);
});
