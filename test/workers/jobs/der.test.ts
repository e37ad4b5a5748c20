/** Values in DER, byte by byte, as X.690 and RFC 5280 have them. */
import { expect, it } from "vitest";
import * as der from "../../../src/workers/jobs/der.js";

const hex = (bytes: Buffer): string => bytes.toString("hex");

it("a length is one byte below 128, and else as many as it needs behind their number", () => {
  const headOf = (bytes: number): string => hex(der.octetString(Buffer.alloc(bytes)).subarray(0, -bytes || undefined));
  expect([0, 1, 127, 128, 255, 256, 65_535, 65_536].map(headOf)).toEqual([
    "0400",
    "0401",
    "047f",
    "048180",
    "0481ff",
    "04820100",
    "0482ffff",
    "0483010000",
  ]);
});

it("a number is positive, also where its first bit is set", () => {
  expect(hex(der.integer(Buffer.of(0x7f)))).toBe("02017f");
  expect(hex(der.integer(Buffer.of(0x80, 1)))).toBe("0203008001");
});

it("an object identifier has digits of seven bits", () => {
  expect(hex(der.objectIdentifier("1.2.840.10045.4.3.2"))).toBe("06082a8648ce3d040302");
  expect(hex(der.objectIdentifier("2.5.29.17"))).toBe("0603551d11");
  expect(hex(der.objectIdentifier("1.3.6.1.5.5.7.3.1"))).toBe("06082b06010505070301");
  expect(hex(der.objectIdentifier("2.5.128.16384"))).toBe("0606558100818000");
});

it("a time has two digits of its year up to 2049, and four from then on", () => {
  const timeAt = (text: string): string => der.time(Date.parse(text)).toString("latin1");
  expect(timeAt("2026-11-28T19:00:07.999Z")).toBe("\x17\x0d261128190007Z");
  expect(timeAt("2049-12-31T23:59:59Z")).toBe("\x17\x0d491231235959Z");
  expect(timeAt("2050-01-01T00:00:00Z")).toBe("\x18\x0f20500101000000Z");
});

it("parts lie within each other", () => {
  expect(hex(der.wrapped(3, der.sequence(der.TRUE, der.set(der.utf8String("é")))))).toBe("a30b30090101ff31040c02c3a9");
  expect(hex(der.tagged(7, Buffer.of(127, 0, 0, 1)))).toBe("87047f000001");
  expect(hex(der.bitString(Buffer.of(0x80), 7))).toBe("03020780");
});
