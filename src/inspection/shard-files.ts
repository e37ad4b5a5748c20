/** What there is of each shard in a data directory that nobody uses. */
import { basename, join } from "node:path";
import type { Checksum } from "../journal/checksum.js";
import { DataDirectoryError } from "../journal/damage-error.js";
import { type Manifest, readManifest } from "../journal/data-directory.js";
import type { Disk } from "../journal/disk.js";
import { generationName, journalFiles, segmentPath } from "../journal/layout.js";
import { lockHolder } from "../journal/lock.js";
import { SegmentFile, type SegmentHead } from "../journal/segment-file.js";
import { readFully } from "../journal/whole-file.js";

export interface FoundSegment {
  readonly sequence: number;
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Its head, or what is wrong with that. */
  readonly head: SegmentHead | string;
}

export interface FoundShard {
  readonly shard: number;
  readonly directory: string;
  /** Its directory is there. */
  readonly isThere: boolean;
  /** Those that count, in order: one that a compacted segment replaces does not. */
  readonly segments: readonly FoundSegment[];
  /** Sequences that are missing between them. */
  readonly missing: readonly number[];
}

/** Gaps in the numbers are listed one by one up to so many: a wrong name must not make billions. */
const MAX_MISSING = 1_000;

/** Throws a `DataDirectoryError` when a process uses the directory or it is none of a broker's. */
export const expectUnused = (data: string): void => {
  const holder = lockHolder(data);
  if (holder === undefined) return;
  throw new DataDirectoryError(
    `the data directory ${data} is in use by the process ${holder}: stop the broker first, or take a backup and look at that`,
  );
};

/** Throws a `DataDirectoryError` when it is no data directory, or when a newer version has written it. */
export const manifestOf = (disk: Disk, data: string): Manifest => {
  const manifest = readManifest(disk, data);
  if (manifest !== undefined) return manifest;
  throw new DataDirectoryError(`${data} has no ringmq.json: it is no data directory of ringmq`);
};

export const shardsOf = (disk: Disk, data: string, checksum: Checksum): FoundShard[] => {
  const { generation, shards } = manifestOf(disk, data);
  const generationPath = join(data, generationName(generation));
  const names = new Set(disk.list(generationPath));
  return Array.from({ length: shards }, (_, shard) => {
    const directory = join(generationPath, `shard-${shard}`);
    if (!names.has(basename(directory))) return { shard, directory, isThere: false, segments: [], missing: [] };
    const segments = withoutReplaced(
      journalFiles(disk, directory).sequences.map((sequence) => found(disk, directory, sequence, checksum)),
    );
    return { shard, directory, isThere: true, segments, missing: missingFrom(segments) };
  });
};

/** The bytes of a segment's file. */
export const readSegment = (disk: Disk, { path, size }: FoundSegment): Uint8Array => {
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, readFully(file, bytes, size, 0));
  } finally {
    file.close();
  }
};

const found = (disk: Disk, directory: string, sequence: number, checksum: Checksum): FoundSegment => {
  const path = segmentPath(directory, sequence);
  const file = disk.open(path, "read");
  try {
    const segment = new SegmentFile(path, sequence, file, checksum);
    return { sequence, path, size: segment.size, head: segment.head() };
  } finally {
    file.close();
  }
};

const withoutReplaced = (segments: readonly FoundSegment[]): FoundSegment[] =>
  segments.filter(
    ({ sequence }) =>
      !segments.some(
        (later) => typeof later.head !== "string" && later.head.replaces <= sequence && sequence < later.sequence,
      ),
  );

const missingFrom = (segments: readonly FoundSegment[]): number[] => {
  const missing: number[] = [];
  for (const [i, segment] of segments.entries()) {
    const before = segments[i - 1];
    if (before === undefined) continue;
    const first = typeof segment.head === "string" ? segment.sequence : segment.head.replaces;
    for (let sequence = before.sequence + 1; sequence < first && missing.length < MAX_MISSING; sequence++) {
      missing.push(sequence);
    }
  }
  return missing;
};
