/**
 * The median of several runs, field by field, so that a disturbance of one run does not affect the result.
 */
import type { Result } from "./scenario.js";

/** For an even number the lower one of the two in the middle, so that the result was really measured. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) throw new Error("no values have no median");
  return middle;
};

/** Merges values of the same shape: numbers to their median, objects field by field, other values to the first one. */
const merge = (values: readonly unknown[]): unknown => {
  const [first] = values;
  if (typeof first === "number") return median(values.map(Number));
  if (typeof first !== "object" || first === null) return first;
  const fields = Object.keys(first).map((key) => [
    key,
    merge(values.map((value) => (value as Readonly<Record<string, unknown>>)[key])),
  ]);
  return Object.fromEntries(fields);
};

/** All runs must have the same cases in the same order. */
export const medianOfRuns = (runs: readonly (readonly Result[])[]): readonly Result[] => {
  const [first] = runs;
  if (first === undefined) return [];
  return first.map((_result, i) => merge(runs.map((run) => run[i])) as Result);
};
