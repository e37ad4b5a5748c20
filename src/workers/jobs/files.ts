/**
 * Jobs on files that would hold up a shard's thread or the main thread: checking, making, removing and copying segments,
 * and the two ends of a backup. A sync takes milliseconds, and so does the removal of a large file.
 */
import { dirname } from "node:path";
import type { Checksum } from "../../journal/checksum.js";
import type { Disk, DiskFile } from "../../journal/disk.js";
import { isDiskFault } from "../../journal/disk-fault.js";
import { beginDataDirectory, expectOutside, finishDataDirectory } from "../../journal/new-data-directory.js";
import { SegmentFile } from "../../journal/segment-file.js";
import { makeSpare } from "../../journal/spares.js";
import { writeFully } from "../../journal/whole-file.js";
import type {
  BeginDirectoryInput,
  CopyInput,
  CopyResult,
  FinishDirectoryInput,
  PrepareInput,
  PrepareResult,
  RemoveInput,
  RemoveResult,
  VerifyInput,
  VerifyResult,
} from "./job.js";

/** Read at a time: a system reads ahead more than this, and all threads of a pool together fit into a cache. */
const READ_BYTES = 1024 * 1024;

/**
 * Checks every record of a segment that is sealed, so that the thread that replays it need not. What is not whole is no
 * error here: recovery finds it again and decides what it means. Throws when it cannot read.
 */
export const verify = (disk: Disk, checksum: Checksum, { path, sequence }: VerifyInput): VerifyResult => {
  const file = disk.open(path, "read");
  try {
    const segment = new SegmentFile(path, sequence, file, checksum);
    if (typeof segment.head() === "string") return { bytes: 0, records: 0, isSealed: false };
    const { end, records, isSealed } = walk(segment, () => {});
    return { bytes: end, records, isSealed };
  } finally {
    file.close();
  }
};

/** Makes a spare, so that no commit waits for the file system to find room. Throws a disk's error: there is no file then. */
export const prepare = (disk: Disk, { path, bytes }: PrepareInput): PrepareResult => {
  makeSpare(disk, path, bytes);
  return { bytes };
};

/** What cannot be removed is left to the next start. */
export const remove = (disk: Disk, { paths }: RemoveInput): RemoveResult => {
  let removed = 0;
  for (const path of paths) {
    try {
      disk.remove(path);
      removed++;
    } catch (error) {
      if (!isDiskFault(error)) throw error;
    }
  }
  return { removed };
};

/** Throws a `DataDirectoryError` where a start would delete it, and what the disk throws. */
export const beginDirectory = (disk: Disk, { path, shards }: BeginDirectoryInput): object => {
  expectOutside(path);
  beginDataDirectory(disk, path, shards);
  return {};
};

/**
 * Copies a sealed segment: checked while it is read, durable when it is done. Throws when a record is not whole, and what
 * the disk throws; what there is of the copy then is of no use.
 */
export const copy = (disk: Disk, checksum: Checksum, { path, sequence, to }: CopyInput): CopyResult => {
  const from = disk.open(path, "read");
  try {
    const into = disk.open(to, "create");
    try {
      return copyInto(disk, new SegmentFile(path, sequence, from, checksum), into, { path, to });
    } finally {
      into.close();
    }
  } finally {
    from.close();
  }
};

const copyInto = (
  disk: Disk,
  segment: SegmentFile,
  into: DiskFile,
  { path, to }: Pick<CopyInput, "path" | "to">,
): CopyResult => {
  const { end, isSealed, fault } = walk(segment, (memory, offset, used) => writeFully(into, memory, 0, used, offset));
  if (!isSealed) throw new Error(`${path}, at byte ${end}: ${fault}`);
  into.sync();
  disk.syncDirectory(dirname(to));
  return { bytes: end };
};

export const finishDirectory = (disk: Disk, { path }: FinishDirectoryInput): object => {
  finishDataDirectory(disk, path);
  return {};
};

/** Reads a segment to its end, piece by piece: [0, used) of a memory that is used again for the next. */
const walk = (
  segment: SegmentFile,
  piece: (memory: Uint8Array, offset: number, used: number) => void,
): ReturnType<SegmentFile["walk"]> => {
  let memory = new Uint8Array(READ_BYTES);
  const buffer = (length: number): Uint8Array => {
    if (memory.length < length) memory = new Uint8Array(length);
    return memory;
  };
  return segment.walk({ buffer, page: (offset, used) => piece(memory, offset, used) }, READ_BYTES);
};
