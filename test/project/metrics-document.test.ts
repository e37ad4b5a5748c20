/** docs/operations.md lists the metrics that there are; what is built on them names no other. */
import { expect, it } from "vitest";
import { METRICS } from "../../src/main/metrics/samples.js";
import { cell, readDocument, section, tableRows } from "./document.js";

it("the table of metrics in docs/operations.md is that of the code", () => {
  const rows = tableRows(section(readDocument("docs/operations.md"), "Metrics and probes")).filter((row) =>
    row.has("metric"),
  );
  const documented = rows.map((row) => ({
    name: cell(row, "metric"),
    type: cell(row, "type"),
    labels: cell(row, "labels"),
    help: cell(row, "what it says"),
  }));
  const real = METRICS.map(({ name, type, labels, help }) => ({ name, type, labels: labels.join(", "), help }));
  expect(documented).toEqual(real);
});

it("names follow Prometheus: a unit at the end, counters end in _total, and no two are the same", () => {
  for (const { name, type } of METRICS) {
    expect(name).toMatch(/^ringmq_[a-z]+(_[a-z]+)*$/);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    expect(name).not.toMatch(/_(ms|milliseconds|kb|count|sum|bucket)(_|$)/);
  }
  expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
});
