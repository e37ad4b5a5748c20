import { expect, it } from "vitest";
import { rates, recent } from "../../../src/console/broker/rates.js";

const sample = (time: number, published: number) => ({ time, published });
const published = (each: { readonly published: number }): number => each.published;

it("tells what happens a second", () => {
  const samples = [sample(1_000, 10), sample(2_000, 30), sample(2_500, 35), sample(4_500, 35)];
  expect(rates(samples, published)).toEqual([null, 20, 10, 0]);
});

it("tells nothing of a gap, of a clock that was put back, and of a broker that was started again", () => {
  const samples = [sample(1_000, 10), sample(9_000, 30), sample(8_000, 40), sample(9_000, 5), sample(10_000, 6)];
  expect(rates(samples, published)).toEqual([null, null, null, null, 1]);
});

it("gives the mean of the last that are known", () => {
  expect(recent([100, 2, 4, null])).toBe(3);
  expect(recent([null, null])).toBeUndefined();
  expect(recent([])).toBeUndefined();
});
