/**
 * How long a disk takes to make a write durable.
 */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { monotonicMicros } from "./clock.js";
import { Histogram } from "./histogram.js";

/**
 * What the file holds behind the last write: nothing (each write makes it longer), a hole (it has its final length but no
 * blocks), or zeros that were written and synced before.
 */
export type Ahead = "nothing" | "a hole" | "zeros";

export interface Syncs {
  readonly bytes: number;
  readonly ahead: Ahead;
  readonly count: number;
}

const ZEROS_BYTES = 1024 ** 2;

const prepare = (file: number, ahead: Ahead, bytes: number): void => {
  if (ahead === "nothing") return;
  if (ahead === "a hole") ftruncateSync(file, bytes);
  const zeros = new Uint8Array(ahead === "zeros" ? Math.min(bytes, ZEROS_BYTES) : 0);
  for (let at = 0; at < bytes && zeros.length > 0; at += zeros.length) {
    writeSync(file, zeros, 0, Math.min(zeros.length, bytes - at), at);
  }
  fdatasyncSync(file);
};

/** Writes one after another into a new file at `path`, syncs each, and removes the file. Times in microseconds. */
export const timeSyncs = (path: string, { bytes, ahead, count }: Syncs): Histogram => {
  const file = openSync(path, "wx");
  try {
    prepare(file, ahead, bytes * count);
    const histogram = new Histogram();
    const data = new Uint8Array(bytes).fill(1);
    for (let i = 0; i < count; i++) {
      const start = monotonicMicros();
      for (let done = 0; done < bytes; ) done += writeSync(file, data, done, bytes - done, i * bytes + done);
      fdatasyncSync(file);
      histogram.record(monotonicMicros() - start);
    }
    return histogram;
  } finally {
    closeSync(file);
    rmSync(path);
  }
};
