import { expect, it, onTestFinished } from "vitest";
import { readReason } from "../../../src/client/arguments/reason.js";
import { createTestBroker } from "../../../src/testing/test-broker.js";

it("the reason of a nack is a text, or an error's name, message and stack", () => {
  expect(readReason(undefined)).toBeUndefined();
  expect(readReason("no such shop")).toBe("no such shop");
  expect(readReason({ name: "ShopError", message: "closed" })).toBe("ShopError: closed");
  expect(readReason({ message: "closed", stack: "at noon" })).toBe("closed\nat noon");
  expect(readReason({ name: "E", message: "m", stack: "E: m\n    at noon" })).toBe("E: m\n    at noon");
  expect(readReason(new RangeError("far"))).toMatch(/^RangeError: far\n/);
});

it("is cut where it would be too long, between characters", () => {
  expect(readReason("x".repeat(2048))).toBe("x".repeat(2048));
  expect(readReason("x".repeat(1_000_000))).toBe("x".repeat(2048));
  expect(readReason("店".repeat(2000))).toBe("店".repeat(682));
  expect(readReason(`x${"😀".repeat(2000)}`)).toBe(`x${"😀".repeat(511)}`);
  expect(readReason(`${"x".repeat(2047)}😀`)).toBe("x".repeat(2047));
});

it("of whatever was thrown is what can be told of it", () => {
  const throws = {
    get message(): string {
      throw new Error("no");
    },
  };
  expect(readReason(5)).toBe("5");
  expect(readReason(null)).toBe("null");
  expect(readReason(true)).toBe("true");
  expect(readReason(Symbol("s"))).toBe("a symbol");
  expect(readReason({})).toBe("an object");
  expect(readReason({ code: 7 })).toBe("an object");
  expect(readReason({ message: 5 })).toBe("an object");
  expect(readReason([1, 2])).toBe("an array of 2");
  expect(readReason(throws)).toBe("for a reason that cannot be read");
});

it("a nack takes whatever was caught, and the message is back in its queue", async () => {
  const broker = createTestBroker();
  onTestFinished(() => broker.close());
  const client = await broker.connect();
  await client.publish("t", "x");
  for (const reason of [null, 5, {}]) {
    const [message] = await client.pop("t");
    await message?.nack({ reason });
  }
  const [message] = await client.pop("t");
  await client.nackById("t", message?.id ?? "", { reason: ["a"], retry: false });
  const [dead] = await client.browse("t", { state: "dead" });
  expect(dead?.failures.map(({ reason }) => reason)).toEqual(["null", "5", "an object", "an array of 1"]);
});
