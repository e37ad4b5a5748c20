/**
 * Where a figure was measured: without that it says nothing.
 */
import { readFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { projectFile } from "./processes/command.js";

export interface Hardware {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** How fast the system hands out memory that was not used before: a backlog grows no faster. */
  readonly freshMemoryBytesPerSecond: number;
}

export interface Versions {
  readonly ringmq: string;
  readonly node: string;
  readonly v8: string;
  readonly system: string;
}

const PAGE_BYTES = 4096;
const FRESH_CHUNK_BYTES = 4 * 1024 * 1024;
const FRESH_CHUNKS = 32;

const freshMemoryBytesPerSecond = (): number => {
  const chunks: Uint8Array[] = [];
  const start = performance.now();
  for (let i = 0; i < FRESH_CHUNKS; i++) {
    const chunk = new Uint8Array(FRESH_CHUNK_BYTES);
    for (let at = 0; at < chunk.length; at += PAGE_BYTES) chunk[at] = 1;
    // Kept until the end, so that none is handed out twice.
    chunks.push(chunk);
  }
  return Math.round((chunks.length * FRESH_CHUNK_BYTES) / ((performance.now() - start) / 1000));
};

export const hardware = (): Hardware => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryBytes: totalmem(),
  freshMemoryBytesPerSecond: freshMemoryBytesPerSecond(),
});

export const versions = (): Versions => {
  const manifest = JSON.parse(readFileSync(projectFile("package.json"), "utf8")) as { readonly version: string };
  return {
    ringmq: manifest.version,
    node: process.versions.node,
    v8: process.versions.v8,
    system: `${platform()} ${release()} ${arch()}`,
  };
};
