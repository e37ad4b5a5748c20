import fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram } from "../../bench/measure/histogram.js";

const micros = fc.double({ min: 0, max: 200_000_000, noNaN: true });

test("a percentile is the value of its rank, and at most 1 % and a tenth of a microsecond above it", () => {
  fc.assert(
    fc.property(
      fc.array(micros, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, q) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
        const told = histogram.quantile(q);
        expect(told).toBeGreaterThanOrEqual(exact - 0.1);
        expect(told).toBeLessThanOrEqual(exact * 1.01 + 0.1);
      },
    ),
  );
});

test("the largest and the mean are exact", () => {
  const histogram = new Histogram();
  for (const value of [1.25, 17, 123_456.75]) histogram.record(value);
  expect(histogram.percentiles()).toMatchObject({ count: 3, max: 123_456.75, mean: (1.25 + 17 + 123_456.75) / 3 });
});

test("an empty histogram tells zeros", () => {
  expect(new Histogram().percentiles()).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
});

test("what is below zero counts as zero", () => {
  const histogram = new Histogram();
  histogram.record(-5);
  expect(histogram.percentiles()).toMatchObject({ count: 1, p50: 0, max: 0 });
});
