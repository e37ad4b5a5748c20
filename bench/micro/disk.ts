/**
 * What a commit waits for: the time of a write and its sync, by size, at the end of a growing file, in a hole, and over
 * zeros (which is what a journal preallocates); and the time of making a new file.
 *
 *     node build/bench/micro/disk.js [directory]
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicMicros } from "../measure/clock.js";
import { type Ahead, timeSyncs } from "../measure/disk.js";
import { Histogram } from "../measure/histogram.js";
import { disk } from "../report/environment.js";
import { pad, widthsOf } from "../report/text-table.js";

const KIB = 1024;
/** One message; a frame of 200 messages of 128 bytes, which is no multiple of a block; the commit of a busy turn. */
const SIZES: readonly (readonly [name: string, bytes: number])[] = [
  ["168 B", 168],
  ["4 KiB", 4 * KIB],
  ["26 KiB", 200 * 132 + 32],
  ["256 KiB", 256 * KIB],
  ["1 MiB", 1024 * KIB],
  ["4 MiB", 4 * 1024 * KIB],
];
const AHEAD: readonly Ahead[] = ["nothing", "a hole", "zeros"];
/** A file is written to this size, but with at most MAX_SYNCS syncs. */
const FILE_BYTES = 64 * 1024 * KIB;
const MAX_SYNCS = 500;
const NEW_FILES = 50;

const micros = (value: number): string => Math.round(value).toLocaleString("en");

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), "ringmq-bench-"));
process.once("exit", () => rmSync(directory, { recursive: true }));

const rows: (readonly string[])[] = [["bytes", "ahead of them", "p50 µs", "p99 µs", "max µs", "MiB/s"]];
for (const [name, bytes] of SIZES) {
  const count = Math.min(MAX_SYNCS, Math.floor(FILE_BYTES / bytes));
  for (const ahead of AHEAD) {
    const { p50, p99, max, mean } = timeSyncs(join(directory, "syncs"), { bytes, ahead, count }).percentiles();
    const rate = (bytes / KIB / KIB / mean) * 1e6;
    rows.push([name, ahead, micros(p50), micros(p99), micros(max), rate.toFixed(rate < 10 ? 1 : 0)]);
  }
}
const widths = widthsOf(rows);
process.stdout.write(`write and fdatasync on ${disk(directory).fileSystem}\n`);
for (const row of rows) process.stdout.write(`${pad(row, widths, 2)}\n`);

/** Repeats one step of making a file. Each time it starts from the file that the last one left. */
const step = (name: string, act: (file: string, next: string) => void): void => {
  const histogram = new Histogram();
  for (let i = 0; i < NEW_FILES; i++) {
    const start = monotonicMicros();
    act(join(directory, `file-${i}`), join(directory, `file-${i + 1}`));
    histogram.record(monotonicMicros() - start);
  }
  const { p50, p99 } = histogram.percentiles();
  process.stdout.write(`${name}: p50 ${micros(p50)} µs, p99 ${micros(p99)} µs\n`);
};

const parent = openSync(directory, "r");
closeSync(openSync(join(directory, "file-0"), "wx"));
step("rename a spare", (file, next) => renameSync(file, next));
closeSync(openSync(join(directory, "file-0"), "wx"));
step("rename a spare and sync the directory", (file, next) => {
  renameSync(file, next);
  fsyncSync(parent);
});
step("make a file and sync the directory", (file) => {
  closeSync(openSync(`${file}-new`, "wx"));
  fsyncSync(parent);
});
closeSync(parent);
