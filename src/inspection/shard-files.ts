/** The files of each shard in a data directory that no broker uses. */
import { basename, join } from "node:path";
import type { Checksum } from "../journal/checksum.js";
import { DataDirectoryError } from "../journal/damage-error.js";
import { type Manifest, readManifest } from "../journal/data-directory.js";
import type { Disk } from "../journal/disk.js";
import { generationName, journalFiles, segmentPath } from "../journal/layout.js";
import { lockHolder } from "../journal/lock.js";
import { faultOfHead, type HeadFault, SegmentFile, type SegmentHead } from "../journal/segment-file.js";
import { readFully } from "../journal/whole-file.js";

export interface FoundSegment {
  readonly sequence: number;
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Its head, or what is wrong with it. */
  readonly head: SegmentHead | string;
  /** Why a whole head cannot belong here: the file is from another shard or sequence. */
  readonly misplaced: HeadFault | undefined;
}

export interface FoundShard {
  readonly shard: number;
  readonly directory: string;
  /** Whether its directory exists. */
  readonly isThere: boolean;
  /** The current ones, in order, without those that a compacted segment replaces. */
  readonly segments: readonly FoundSegment[];
  /** Missing sequences between them. */
  readonly missing: readonly number[];
}

/** The most missing sequences to list: a wrong file name must not make billions. */
const MAX_MISSING = 1_000;

/** Throws a `DataDirectoryError` when a process uses the directory, or when it is not a data directory. */
export const expectUnused = (disk: Disk, data: string): void => {
  manifestOf(disk, data);
  const holder = lockHolder(data);
  if (holder === undefined) return;
  throw new DataDirectoryError(
    `the data directory ${data} is in use by the process ${holder}: stop the broker first, or take a backup and look at that`,
  );
};

/** Throws a `DataDirectoryError` when it is not a data directory, or a newer version has written it. */
export const manifestOf = (disk: Disk, data: string): Manifest => {
  const manifest = readPresentManifest(disk, data);
  if (manifest !== undefined) return manifest;
  throw new DataDirectoryError(`${data} has no ringmq.json: it is no data directory of ringmq`);
};

const readPresentManifest = (disk: Disk, data: string): Manifest | undefined => {
  try {
    return readManifest(disk, data);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new DataDirectoryError(`there is no directory ${data}`);
    if (code === "ENOTDIR") throw new DataDirectoryError(`${data} is no directory`);
    throw error;
  }
};

export const shardsOf = (disk: Disk, data: string, checksum: Checksum): FoundShard[] => {
  const { generation, shards } = manifestOf(disk, data);
  const generationPath = join(data, generationName(generation));
  const names = new Set(disk.list(data).includes(generationName(generation)) ? disk.list(generationPath) : []);
  return Array.from({ length: shards }, (_, shard) => {
    const directory = join(generationPath, `shard-${shard}`);
    if (!names.has(basename(directory))) return { shard, directory, isThere: false, segments: [], missing: [] };
    const segments = withoutReplaced(
      journalFiles(disk, directory).sequences.map((sequence) => found(disk, directory, shard, sequence, checksum)),
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

const found = (disk: Disk, directory: string, shard: number, sequence: number, checksum: Checksum): FoundSegment => {
  const path = segmentPath(directory, sequence);
  const file = disk.open(path, "read");
  try {
    const segment = new SegmentFile(path, sequence, file, checksum);
    const head = segment.head();
    const misplaced = typeof head === "string" ? undefined : faultOfHead(head, sequence, shard);
    return { sequence, path, size: segment.size, head, misplaced };
  } finally {
    file.close();
  }
};

/** The first sequence that a segment replaces, or its own. */
const firstOf = ({ head, misplaced, sequence }: FoundSegment): number =>
  typeof head === "string" || misplaced !== undefined ? sequence : head.replaces;

/** A misplaced segment always counts as current, because a start refuses it wherever it is. */
const withoutReplaced = (segments: readonly FoundSegment[]): FoundSegment[] =>
  segments.filter(
    ({ sequence, misplaced }) =>
      misplaced !== undefined || !segments.some((later) => firstOf(later) <= sequence && sequence < later.sequence),
  );

const missingFrom = (segments: readonly FoundSegment[]): number[] => {
  const missing: number[] = [];
  const own = segments.filter(({ misplaced }) => misplaced === undefined);
  for (const [i, segment] of own.entries()) {
    const before = own[i - 1];
    if (before === undefined) continue;
    const first = firstOf(segment);
    for (let sequence = before.sequence + 1; sequence < first && missing.length < MAX_MISSING; sequence++) {
      if (!segments.some((there) => there.sequence === sequence)) missing.push(sequence);
    }
  }
  return missing;
};
