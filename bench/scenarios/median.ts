/**
 * The median of several runs, field by field: what a shared machine does to one run does not reach the result.
 */
import type { Result } from "./scenario.js";

/** The lower of the two in the middle for an even number, so that it is always a figure that was measured. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) throw new Error("no values have no median");
  return middle;
};

/** Values of one shape: numbers become their median, records go field by field, all else is that of the first. */
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

/** `runs` hold results of the same cases in the same order. */
export const medianOfRuns = (runs: readonly (readonly Result[])[]): readonly Result[] => {
  const [first] = runs;
  if (first === undefined) return [];
  return first.map((_result, i) => merge(runs.map((run) => run[i])) as Result);
};
