/** The files of each shard in a data directory that no broker uses. */
import { basename, join } from "node:path";
import type { Checksum } from "../journal/checksum.js";
import { DamageError, DataDirectoryError } from "../journal/damage-error.js";
import { hasLedgers, type Manifest, readManifest } from "../journal/data-directory.js";
import type { Disk } from "../journal/disk.js";
import { generationName, journalFiles, segmentPath } from "../journal/layout.js";
import { type LedgerEntry, readLedger } from "../journal/ledger.js";
import { lockHolder } from "../journal/lock.js";
import { faultOfHead, type HeadFault, isLeftOver, SegmentFile, type SegmentHead } from "../journal/segment-file.js";
import { readFully } from "../journal/whole-file.js";

export interface FoundSegment {
  /** As its head has it, and its name if the head is broken. */
  readonly sequence: number;
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Its head, or what is wrong with it. */
  readonly head: SegmentHead | string;
  /** Why a whole head cannot belong here: the file is from another shard or sequence. */
  readonly misplaced: HeadFault | undefined;
  /** It is a segment of this shard, whatever its name. */
  readonly isOwn: boolean;
}

export interface FoundShard {
  readonly shard: number;
  readonly directory: string;
  /** Whether its directory exists. */
  readonly isThere: boolean;
  /** The current ones, in order, without those that a compacted segment replaces. */
  readonly segments: readonly FoundSegment[];
  /** Undefined: it is an older directory, or see `fault`. */
  readonly ledger: LedgerEntry | undefined;
  /** Why its ledger cannot be used, although it must have one. */
  readonly fault: DamageError | undefined;
  /** Missing sequences: between them, and those that the ledger knows. */
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
  const manifest = manifestOf(disk, data);
  const { generation, shards } = manifest;
  const generationPath = join(data, generationName(generation));
  const names = new Set(disk.list(data).includes(generationName(generation)) ? disk.list(generationPath) : []);
  return Array.from({ length: shards }, (_, shard) => {
    const directory = join(generationPath, `shard-${shard}`);
    if (!names.has(basename(directory))) {
      return { shard, directory, isThere: false, segments: [], missing: [], ledger: undefined, fault: undefined };
    }
    const known = hasLedgers(manifest) ? ledgerOf(disk, directory, shard) : undefined;
    const fault = known instanceof DamageError ? known : undefined;
    const ledger = known instanceof DamageError ? undefined : known;
    const { sequences } = journalFiles(disk, directory);
    const all = sequences.map((sequence, i) => {
      const segment = found(disk, directory, shard, sequence, checksum);
      return i < sequences.length - 1 ? segment : begun(segment, sequence, shard, ledger);
    });
    const segments = withoutReplaced(all.filter((segment) => !isObsolete(segment, ledger)));
    segments.sort((a, b) => a.sequence - b.sequence);
    return { shard, directory, isThere: true, segments, ledger, fault, missing: missingFrom(segments, ledger) };
  });
};

const ledgerOf = (disk: Disk, directory: string, shard: number): LedgerEntry | DamageError => {
  try {
    return readLedger(disk, directory, shard);
  } catch (error) {
    if (error instanceof DamageError) return error;
    throw error;
  }
};

/** It was about to be removed. */
const isObsolete = ({ misplaced, sequence }: FoundSegment, ledger: LedgerEntry | undefined): boolean =>
  misplaced === undefined && ledger !== undefined && sequence < ledger.first;

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

/** What nothing has been written to yet has no head, whatever an earlier use of the file has left. */
const NO_HEAD = "it has no head of its own";

const found = (disk: Disk, directory: string, shard: number, sequence: number, checksum: Checksum): FoundSegment => {
  const path = segmentPath(directory, sequence);
  const file = disk.open(path, "read");
  try {
    const segment = new SegmentFile(path, sequence, file, checksum);
    const head = segment.head();
    const { size } = segment;
    if (typeof head === "string") return { sequence, path, size, head, misplaced: undefined, isOwn: true };
    const misplaced = faultOfHead(head, sequence, shard);
    const isOwn = faultOfHead(head, head.sequence, shard) === undefined;
    return { sequence: head.sequence, path, size, head, misplaced, isOwn };
  } finally {
    file.close();
  }
};

/** The last file, which may have been a spare until the broker ended. */
const begun = (
  segment: FoundSegment,
  sequence: number,
  shard: number,
  ledger: LedgerEntry | undefined,
): FoundSegment => {
  const { head } = segment;
  if (typeof head === "string" || ledger === undefined || !isLeftOver(head, sequence, shard, ledger)) return segment;
  return { ...segment, sequence, head: NO_HEAD, misplaced: undefined, isOwn: true };
};

/** The first sequence that a segment replaces, or its own. */
const firstOf = ({ head, isOwn, sequence }: FoundSegment): number =>
  typeof head === "string" || !isOwn ? sequence : head.replaces;

/** Whether a compacted segment of this shard stands for it. */
export const isReplaced = ({ sequence }: FoundSegment, by: readonly FoundSegment[]): boolean =>
  by.some((later) => later.isOwn && firstOf(later) <= sequence && sequence < later.sequence);

/** A misplaced segment always counts as current, because a start refuses it wherever it is. */
const withoutReplaced = (segments: readonly FoundSegment[]): FoundSegment[] =>
  segments.filter((segment) => segment.misplaced !== undefined || !isReplaced(segment, segments));

const missingFrom = (segments: readonly FoundSegment[], ledger: LedgerEntry | undefined): number[] => {
  const missing: number[] = [];
  const miss = (from: number, to: number): void => {
    for (let sequence = from; sequence < to && missing.length < MAX_MISSING; sequence++) {
      if (!segments.some((there) => there.sequence === sequence)) missing.push(sequence);
    }
  };
  let next = ledger === undefined || ledger.first === 0 ? Number.POSITIVE_INFINITY : ledger.first;
  for (const segment of segments) {
    if (!segment.isOwn) continue;
    miss(next, firstOf(segment));
    next = segment.sequence + 1;
  }
  if (ledger !== undefined) miss(next, ledger.last + 1);
  return missing;
};
