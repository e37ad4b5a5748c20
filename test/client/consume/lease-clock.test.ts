import { expect, it } from "vitest";
import { LeaseClock } from "../../../src/client/consume/lease-clock.js";

const TTR = 8000;
const NOW = 1e12;

it("is the broker's when it was asked for, so that no lease is believed in for too long", () => {
  const clock = new LeaseClock(NOW, TTR, 500, 900);
  expect(clock.at(500)).toBe(NOW);
  expect(clock.at(1500)).toBe(NOW + 1000);
});

it("is no more than an eighth of a TTR early when the answer was not read for long", () => {
  const clock = new LeaseClock(NOW, TTR, 0, 60_000);
  expect(clock.at(60_000)).toBe(NOW + 1000);
});
