/**
 * The machine, the disk and the versions that figures were measured with.
 */
import { mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { timeSyncs } from "../measure/disk.js";
import { projectFile } from "../processes/command.js";

export interface Hardware {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** How fast the system provides fresh memory. A backlog cannot grow faster. */
  readonly freshMemoryBytesPerSecond: number;
}

/** The disk that holds the brokers' data. */
export interface Disk {
  readonly fileSystem: string;
  /** The median time to write 4 KiB over zeros and sync them. A confirm waits at least as long. */
  readonly syncMicros: number;
  /** With writes of 1 MiB, each of which is synced. */
  readonly syncedBytesPerSecond: number;
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
    // Kept until the end, so that no memory is used twice.
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

/** Magic numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: "ext4",
  16914836: "tmpfs",
  1481003842: "xfs",
  2035054128: "overlayfs",
  2435016766: "btrfs",
  801189825: "zfs",
  26985: "nfs",
};

const SMALL_SYNCS = { bytes: 4096, ahead: "zeros", count: 200 } as const;
const LARGE_SYNCS = { bytes: 1024 ** 2, ahead: "zeros", count: 32 } as const;

/** Measures the disk of `parent`, a writable directory. */
export const disk = (parent: string): Disk => {
  const directory = mkdtempSync(join(parent, "ringmq-bench-"));
  try {
    const { type } = statfsSync(directory);
    const file = join(directory, "sync");
    const small = timeSyncs(file, SMALL_SYNCS);
    const large = timeSyncs(file, LARGE_SYNCS);
    return {
      fileSystem: FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`,
      syncMicros: small.quantile(0.5),
      syncedBytesPerSecond: Math.round((LARGE_SYNCS.bytes * 1e6) / large.percentiles().mean),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
};

export const versions = (): Versions => {
  const manifest = JSON.parse(readFileSync(projectFile("package.json"), "utf8")) as { readonly version: string };
  return {
    ringmq: manifest.version,
    node: process.versions.node,
    v8: process.versions.v8,
    system: `${platform()} ${release()} ${arch()}`,
  };
};
