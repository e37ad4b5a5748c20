import { expect, it } from "vitest";
import { readReason } from "../../../src/client/arguments/reason.js";

it("the reason of a nack is a text, or an error's name, message and stack", () => {
  expect(readReason(undefined)).toBeUndefined();
  expect(readReason("no such shop")).toBe("no such shop");
  expect(readReason({ name: "ShopError", message: "closed" })).toBe("ShopError: closed");
  expect(readReason({ message: "closed", stack: "at noon" })).toBe("closed\nat noon");
  expect(readReason({ name: "E", message: "m", stack: "E: m\n    at noon" })).toBe("E: m\n    at noon");
  expect(readReason(new RangeError("far"))).toMatch(/^RangeError: far\n/);
  expect(readReason({})).toBe("");
});

it("is cut where it would be too long, between characters", () => {
  expect(readReason("x".repeat(2048))).toBe("x".repeat(2048));
  expect(readReason("x".repeat(1_000_000))).toBe("x".repeat(2048));
  expect(readReason("店".repeat(2000))).toBe("店".repeat(682));
  expect(readReason(`x${"😀".repeat(2000)}`)).toBe(`x${"😀".repeat(511)}`);
  expect(readReason(`${"x".repeat(2047)}😀`)).toBe("x".repeat(2047));
});

it.each([5, null, true, { message: 5 }, Symbol("s")])("cannot be %s", (reason) => {
  expect(() => readReason(reason as never)).toThrow(/reason/);
});

it("that throws is a bad argument", () => {
  const reason = {
    get message(): string {
      throw new Error("no");
    },
  };
  expect(() => readReason(reason)).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }));
});
