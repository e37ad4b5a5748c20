/**
 * A table that compares levels of durability: a line for each figure of a case, a column for each level.
 */
import { LEVELS } from "../processes/durability.js";
import type { LevelResult } from "../scenarios/scenario.js";
import { number, pad, widthsOf } from "./text-table.js";

const TITLES = ["scenario", "variant", "case"];
const TEXT_COLUMNS = TITLES.length + 1;

const titleOf = ({ scenario, variant, case: name = "" }: LevelResult): readonly string[] => [scenario, variant, name];

/** The text of each figure, by its name. */
const figuresOf = (result: LevelResult): ReadonlyMap<string, string> =>
  new Map([
    ["messages/s", number(Math.round(result.messagesPerSecond))],
    ["server µs/msg", number(result.serverCpuMicrosPerMessage)],
    ...Object.entries(result.latencyMicros ?? {}).map(
      ([name, { p50, p99 }]) => [`${name} p50 / p99 µs`, `${number(p50)} / ${number(p99)}`] as const,
    ),
  ]);

/** No lines when there is only one level. */
export const sideBySide = (results: readonly LevelResult[]): readonly string[] => {
  const levels = LEVELS.filter((level) => results.some(({ durability }) => durability === level));
  if (levels.length < 2) return [];
  const rows: (readonly string[])[] = [[...TITLES, "", ...levels]];
  const titles = new Map(results.map((result) => [titleOf(result).join("\t"), titleOf(result)]));
  for (const [key, title] of titles) {
    const of = results.filter((result) => titleOf(result).join("\t") === key);
    const figures = new Map(of.map((result) => [result.durability, figuresOf(result)]));
    const names = new Set([...figures.values()].flatMap((each) => [...each.keys()]));
    // Only the first line of a case has its title.
    let lead = title;
    for (const name of names) {
      rows.push([...lead, name, ...levels.map((level) => figures.get(level)?.get(name) ?? "")]);
      lead = title.map(() => "");
    }
  }
  const widths = widthsOf(rows);
  return ["", ...rows.map((row) => pad(row, widths, TEXT_COLUMNS))];
};
