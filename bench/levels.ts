/**
 * What was measured at several levels of durability, side by side: a line for each case, a column for each level.
 */
import { LEVELS } from "./durability.js";
import type { LevelResult } from "./scenario.js";
import { number, pad, widthsOf } from "./text-table.js";

const TEXT_COLUMNS = 3;

const titleOf = (result: LevelResult): readonly string[] => [result.scenario, result.variant, result.case ?? ""];

const latencies = (result: LevelResult): string =>
  Object.values(result.latencyMicros ?? {})
    .slice(0, 1)
    .map(({ p50, p99 }) => `${number(p50)} / ${number(p99)}`)
    .join("");

/** A figure that has a column for each level. The latency is the first of those that a case measures. */
const FIGURES: readonly (readonly [heading: string, cell: (result: LevelResult) => string])[] = [
  ["messages/s", (result) => number(Math.round(result.messagesPerSecond))],
  ["server µs/msg", (result) => number(result.serverCpuMicrosPerMessage)],
  ["p50 / p99 µs", latencies],
];

/** No lines when there is only one level. */
export const sideBySide = (results: readonly LevelResult[]): readonly string[] => {
  const levels = LEVELS.filter((level) => results.some(({ durability }) => durability === level));
  if (levels.length < 2) return [];
  const titles = new Map(results.map((result) => [titleOf(result).join("\t"), titleOf(result)]));
  const headings = FIGURES.flatMap(([heading]) => levels.map((level) => `${heading} ${level}`));
  const rows = [...titles].map(([key, title]) => {
    const of = results.filter((result) => titleOf(result).join("\t") === key);
    const cells = FIGURES.flatMap(([, cell]) =>
      levels.map((level) => of.filter(({ durability }) => durability === level).map(cell)[0] ?? ""),
    );
    return [...title, ...cells];
  });
  const all = [["scenario", "variant", "case", ...headings], ...rows];
  const widths = widthsOf(all);
  return ["", ...all.map((row) => pad(row, widths, TEXT_COLUMNS))];
};
