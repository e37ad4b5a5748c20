import { expect, it } from "vitest";
import { goDuration, logLine } from "../../../src/cli/gmq/go-log.js";

it("a line begins as those of Go's package log", () => {
  expect(logLine("rtype:103, msg.id:1", new Date(2026, 10, 8, 9, 5, 3))).toBe(
    "2026/11/08 09:05:03 rtype:103, msg.id:1\n",
  );
});

it("a duration is written as Go writes it", () => {
  const written = [0, 0.0005, 0.0015, 1.5, 20, 999.999999, 1_000, 2_250.5, 59_999, 60_000, 62_500, 3_723_000].map(
    goDuration,
  );
  expect(written).toEqual([
    ...["0s", "500ns", "1.5µs", "1.5ms", "20ms", "999.999999ms", "1s", "2.2505s", "59.999s"],
    ...["1m0s", "1m2.5s", "1h2m3s"],
  ]);
});
