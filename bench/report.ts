/**
 * The results: a table for people, one JSON object for programs.
 */
import type { Hardware, Versions } from "./environment.js";
import type { Parameters, Result } from "./scenario.js";

export interface Report {
  readonly hardware: Hardware;
  readonly versions: Versions;
  /** By scenario. */
  readonly parameters: Readonly<Record<string, Parameters>>;
  readonly results: readonly Result[];
}

/** Digits after the point that a figure of this size can mean. */
const number = (value: number): string => {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};

const words = (name: string): string => name.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);

const pad = (cells: readonly string[], widths: readonly number[], left: number): string =>
  cells
    .map((cell, i) => (i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join("  ")
    .trimEnd();

const HEADINGS = ["scenario", "variant", "case", "messages/s", "server µs/msg", "of it main", "load µs/msg"];
const TEXT_COLUMNS = 3;

const cellsOf = (result: Result): readonly string[] => [
  result.scenario,
  result.variant,
  result.case ?? "",
  number(Math.round(result.messagesPerSecond)),
  number(result.serverCpuMicrosPerMessage),
  number(result.serverMainThreadCpuMicrosPerMessage),
  number(result.clientCpuMicrosPerMessage),
];

const detailsOf = (result: Result): readonly string[] => {
  const latencies = Object.entries(result.latencyMicros ?? {}).map(
    ([name, { p50, p99, p999, max }]) =>
      `    ${name} µs: p50 ${number(p50)}, p99 ${number(p99)}, p99.9 ${number(p999)}, max ${number(max)}`,
  );
  const figures = Object.entries(result.figures ?? {}).map(([name, value]) => `    ${words(name)}: ${number(value)}`);
  return [...latencies, ...figures];
};

export const table = (report: Report): string => {
  const { cpu, cores, memoryBytes, freshMemoryBytesPerSecond } = report.hardware;
  const { ringmq, node, system } = report.versions;
  const rows = report.results.map(cellsOf);
  const widths = HEADINGS.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const lines = [
    `${cpu}, ${cores} cores, ${Math.round(memoryBytes / 1024 ** 3)} GiB; ringmq ${ringmq}, Node.js ${node}, ${system}`,
    `fresh memory: ${number(freshMemoryBytesPerSecond / 1024 ** 2)} MiB/s`,
    ...Object.entries(report.parameters).map(
      ([scenario, { messages, bytes, batch, runs }]) =>
        `${scenario}: ${number(messages)} messages of ${number(bytes)} bytes, ${number(batch)} a frame, median of ${runs}`,
    ),
    "",
    pad(HEADINGS, widths, TEXT_COLUMNS),
  ];
  for (const [i, result] of report.results.entries()) {
    lines.push(pad(rows[i] ?? [], widths, TEXT_COLUMNS), ...detailsOf(result));
  }
  return lines.join("\n");
};

export const json = (report: Report): string => JSON.stringify(report, undefined, 2);
