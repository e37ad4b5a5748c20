/** deploy/: the dashboard for Grafana and the alerts for Prometheus ask for metrics and labels that there are. */
import { describe, expect, it } from "vitest";
import { METRICS, Samples } from "../../src/main/metrics/samples.js";
import { Scrape } from "../../src/main/metrics/scrape.js";
import { readDocument } from "./document.js";

/** By the name of a series: its labels, beside those that Prometheus adds. */
const series = new Map<string, readonly string[]>([["up", []]]);
for (const { name, type, labels } of METRICS) {
  if (type !== "histogram") series.set(name, labels);
  else for (const part of ["_bucket", "_sum", "_count"]) series.set(name + part, [...labels, "le"]);
}
for (const [, name = ""] of (await new Scrape(() => new Samples()).bytes()).toString().matchAll(/^# TYPE (\S+)/gm)) {
  if (!name.startsWith("ringmq_")) series.set(name, []);
}

const ADDED = ["job", "instance"];
const NAME = /\b(?:ringmq|nodejs|process)_\w+|\bup\b/g;
const IN_BRACES = /\{[^}]*\}/g;

/** What is wrong with a query, and the labels that it shows in `texts`. */
const faultsOf = (query: string, texts: readonly string[]): string[] => {
  const faults: string[] = [];
  const names = query.match(NAME) ?? [];
  if (names.length === 0) faults.push(`it asks for nothing: ${query}`);
  const known = new Set(ADDED);
  for (const name of names) {
    if (!series.has(name)) faults.push(`there is no ${name}`);
    for (const label of series.get(name) ?? []) known.add(label);
  }
  const grouped = [...query.matchAll(/\b(?:by|on|ignoring|without|group_left) \(([^)]*)\)/g)];
  const used = grouped.flatMap(([, labels = ""]) => labels.split(",").map((label) => label.trim()));
  const shown = texts.flatMap((text) =>
    [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label]) => label),
  );
  const selected = (query.match(IN_BRACES) ?? []).flatMap((part) =>
    [...part.matchAll(/(\w+)=/g)].map(([, label]) => label),
  );
  for (const label of [...used, ...shown, ...selected]) {
    if (label !== undefined && label !== "" && !known.has(label))
      faults.push(`no metric of ${query} has the label ${label}`);
  }
  const open = [...query].reduce((depth, c) => depth + (c === "(" ? 1 : c === ")" ? -1 : 0), 0);
  if (open !== 0) faults.push(`brackets do not match: ${query}`);
  return faults;
};

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { query: string } }[];
  };
  readonly panels: readonly Panel[];
}

describe("deploy/grafana/ringmq.json", () => {
  const dashboard: Dashboard = JSON.parse(readDocument("deploy/grafana/ringmq.json"));
  const { panels } = dashboard;
  const shown = panels.filter(({ type }) => type !== "row");

  it("asks for series and labels that there are, of the brokers that are chosen", () => {
    expect(shown.length).toBeGreaterThan(20);
    for (const { title, targets = [], description = "", fieldConfig } of shown) {
      expect([title, targets.length > 0, description !== "", fieldConfig?.defaults.unit !== undefined]).toEqual([
        title,
        true,
        true,
        true,
      ]);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const { expr, legendFormat } of targets) {
        expect([title, faultsOf(expr, [legendFormat])]).toEqual([title, []]);
        const selectors = expr.match(IN_BRACES) ?? [];
        expect(selectors.length).toBe(expr.match(NAME)?.length);
        for (const each of selectors) expect(each).toContain('{job=~"$job", instance=~"$instance"');
      }
    }
  });

  it("has its variables, and panels that do not cover each other", () => {
    const { templating, schemaVersion, uid } = dashboard;
    expect([uid, schemaVersion >= 36]).toEqual(["ringmq", true]);
    expect(templating.list.map(({ name }) => name)).toEqual(["datasource", "job", "instance"]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.has(`${x} ${y}`)]).toEqual([title, false]);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});

it("deploy/prometheus/alerts.yml asks for series and labels that there are", () => {
  const alerts = readDocument("deploy/prometheus/alerts.yml")
    .split(/\n {6}- alert: /)
    .slice(1);
  expect(alerts.length).toBeGreaterThan(10);
  expect(new Set(alerts.map((alert) => alert.split("\n")[0])).size).toBe(alerts.length);
  for (const alert of alerts) {
    const [, query = ""] = /^ {8}expr: (.*)$/m.exec(alert) ?? [];
    expect(faultsOf(query, [alert.replaceAll(/\{\{ \$value[^}]*\}\}/g, "")])).toEqual([]);
    expect(alert).toMatch(/^ {8}labels: \{ severity: (critical|warning) \}$/m);
    expect(alert).toMatch(/^ {10}summary: "/m);
  }
  const tested = readDocument("deploy/prometheus/alerts.test.yml").match(/(?<=^ {6}- alertname: )\w+$/gm);
  expect(tested).toEqual(alerts.map((alert) => alert.split("\n")[0]));
});
