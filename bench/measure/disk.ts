/**
 * What a disk takes to make a write durable, by itself.
 */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { monotonicMicros } from "./clock.js";
import { Histogram } from "./histogram.js";

/**
 * What is behind the end of what was written so far: nothing (each write makes the file longer), a hole (the file is as
 * long as it will be and has no blocks), or zeros that were written and synced before.
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

/** Writes one behind the other and syncs each, in a file at `path` that is removed. In microseconds, both together. */
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
