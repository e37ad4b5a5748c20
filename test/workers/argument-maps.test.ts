/** What is said of a configuration that cannot be. */
import { expect, it } from "vitest";
import { channelConfig, subscribeOptions, topicConfig } from "../../src/workers/argument-maps.js";

it("a key that there is not names those that there are, and the one that was probably meant", () => {
  expect(() => topicConfig({ retrys: 3 })).toThrow(
    /^there is no key retrys \(did you mean retries\?\); the keys are autoAck, mode, .*, durability$/,
  );
  expect(() => channelConfig({ retries: 3 })).toThrow(
    "there is no key retries; the keys are keep, maxMessages, maxBytes, maxAge, history, historyBytes, durability",
  );
});

it("a value that a key does not take is answered with those that it takes", () => {
  expect(() => topicConfig({ mode: "fanout" })).toThrow('mode must be "exact" or "pattern"');
  expect(() => topicConfig({ retries: 0.5 })).toThrow("retries must be a whole number from 0 to 65534");
  expect(() => topicConfig({ brake: 2 })).toThrow("brake must be a number from 0 to 1");
  expect(() => topicConfig({ autoAck: 1 })).toThrow("autoAck must be true or false");
  expect(() => channelConfig({ durability: "disk" })).toThrow('durability must be "fsync" or "write" or "memory"');
  expect(() => subscribeOptions({ from: "end" })).toThrow('from must be "now", "start", or a time, a whole number');
});

it("the text is short, whatever it is about", () => {
  const textOf = (config: object): string => {
    try {
      topicConfig(config);
    } catch (error) {
      return String(error);
    }
    return "";
  };
  expect(textOf({ ["x".repeat(60_000)]: 1 })).toMatch(/^.{20,400}$/);
  expect(textOf({ ttr: "x".repeat(60_000) })).toMatch(/^.{20,200}$/);
});
