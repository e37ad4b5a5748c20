import fc from "fast-check";
import { expect, it } from "vitest";
import { durationText, parseDuration } from "../../../src/console/parts/duration.js";

it("reads lengths of time as people type them", () => {
  expect(["30s", "1h 30m", " 500 MS ", "1.5h", "2d12h", "250", "0"].map(parseDuration)).toEqual([
    30_000, 5_400_000, 500, 5_400_000, 216_000_000, 250, 0,
  ]);
});

it("takes nothing else", () => {
  for (const text of ["", "s", "-1s", "1w", "1 2", "1s x", "Infinity", "1e3", "12345678901234567890"]) {
    expect(parseDuration(text), text).toBeUndefined();
  }
});

it("writes what it reads", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10 * 366 * 86_400_000 }),
      (time) => parseDuration(durationText(time)) === time,
    ),
  );
});
