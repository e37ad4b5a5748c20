/**
 * The results as a table for people or as JSON for programs.
 */
import type { Level } from "../processes/durability.js";
import type { LevelResult, Parameters } from "../scenarios/scenario.js";
import type { Disk, Hardware, Versions } from "./environment.js";
import { sideBySide } from "./levels.js";
import { number, pad, widthsOf } from "./text-table.js";

export interface Report {
  readonly hardware: Hardware;
  /** Absent when only the level memory was measured. */
  readonly disk?: Disk;
  readonly versions: Versions;
  /** By scenario. Each was measured at all of its levels. */
  readonly parameters: Readonly<
    Record<string, Omit<Parameters, "durability"> & { readonly durabilities: readonly Level[] }>
  >;
  readonly results: readonly LevelResult[];
}

const words = (name: string): string => name.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);

const HEADINGS = ["scenario", "variant", "case", "level", "messages/s", "server µs/msg", "of it main", "load µs/msg"];
const TEXT_COLUMNS = 4;

const cellsOf = (result: LevelResult): readonly string[] => [
  result.scenario,
  result.variant,
  result.case ?? "",
  result.durability,
  number(Math.round(result.messagesPerSecond)),
  number(result.serverCpuMicrosPerMessage),
  number(result.serverMainThreadCpuMicrosPerMessage),
  number(result.clientCpuMicrosPerMessage),
];

/** A smaller share is the system's own work and the resolution of the clock. */
const NOTEWORTHY_SHARE = 0.1;

const detailsOf = (result: LevelResult): readonly string[] => {
  const latencies = Object.entries(result.latencyMicros ?? {}).map(
    ([name, { p50, p99, p999, max }]) =>
      `    ${name} µs: p50 ${number(p50)}, p99 ${number(p99)}, p99.9 ${number(p999)}, max ${number(max)}`,
  );
  const { otherCpuShare = 0 } = result;
  const others =
    otherCpuShare < NOTEWORTHY_SHARE
      ? []
      : [`    other work took ${Math.round(otherCpuShare * 100)} % of the CPU time`];
  const figures = Object.entries(result.figures ?? {}).map(([name, value]) => `    ${words(name)}: ${number(value)}`);
  return [...latencies, ...figures, ...others];
};

const MIB = 1024 ** 2;

const diskLine = ({ fileSystem, syncMicros, syncedBytesPerSecond }: Disk): string =>
  `data on ${fileSystem}: ${number(syncMicros)} µs to sync 4 KiB, ${number(syncedBytesPerSecond / MIB)} MiB/s synced by 1 MiB`;

export const table = (report: Report): string => {
  const { cpu, cores, memoryBytes, freshMemoryBytesPerSecond } = report.hardware;
  const { ringmq, node, system } = report.versions;
  const rows = report.results.map(cellsOf);
  const widths = widthsOf([HEADINGS, ...rows]);
  const lines = [
    `${cpu}, ${cores} cores, ${Math.round(memoryBytes / 1024 ** 3)} GiB; ringmq ${ringmq}, Node.js ${node}, ${system}`,
    `fresh memory: ${number(freshMemoryBytesPerSecond / MIB)} MiB/s`,
    ...(report.disk === undefined ? [] : [diskLine(report.disk)]),
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
  return [...lines, ...sideBySide(report.results)].join("\n");
};

export const json = (report: Report): string => JSON.stringify(report, undefined, 2);
