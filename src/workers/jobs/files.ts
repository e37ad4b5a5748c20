/**
 * Jobs on files: checking, making, removing and copying segments, and the begin and end of a backup. Syncs and removals of
 * large files take milliseconds, for which a shard's thread or the main thread would stop.
 */
import { dirname } from "node:path";
import { Sha256 } from "../../journal/backup-list.js";
import type { Checksum } from "../../journal/checksum.js";
import type { Disk, DiskFile } from "../../journal/disk.js";
import { isDiskFault } from "../../journal/disk-fault.js";
import { beginDataDirectory, expectOutside, finishBackup } from "../../journal/new-data-directory.js";
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

/** Bytes to read at a time: less than the system reads ahead, and the buffers of all threads fit into a cache. */
const READ_BYTES = 1024 * 1024;

/**
 * Checks every record of a sealed segment, so that the thread that replays it need not. A broken record is no error here:
 * recovery finds it again and decides what it means. Throws when the file cannot be read.
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

/** Makes a spare file, so that no commit waits for the file system to allocate space. On an error it leaves none. */
export const prepare = (disk: Disk, { path, bytes }: PrepareInput): PrepareResult => {
  makeSpare(disk, path, bytes);
  return { bytes };
};

/** Removes files. What cannot be removed is left to the next start. */
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

/** Throws a `DataDirectoryError` if `path` is inside a data directory, and disk faults. */
export const beginDirectory = (disk: Disk, { path, shards }: BeginDirectoryInput): object => {
  expectOutside(path);
  beginDataDirectory(disk, path, shards);
  return {};
};

/**
 * Copies a sealed segment, checks its records, and syncs the copy. Throws when a record is broken, and disk faults; the
 * copy is useless then.
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
  const hash = new Sha256();
  const { end, isSealed, fault } = walk(segment, (memory, offset, used) => {
    writeFully(into, memory, 0, used, offset);
    hash.add(memory.subarray(0, used));
  });
  if (!isSealed) throw new Error(`${path}, at byte ${end}: ${fault}`);
  into.sync();
  disk.syncDirectory(dirname(to));
  return { bytes: end, sha256: hash.end() };
};

export const finishDirectory = (disk: Disk, { path, ledgers, files }: FinishDirectoryInput): object => {
  finishBackup(disk, path, ledgers, files);
  return {};
};

/** Reads a segment to its end. Each piece is [0, used) of a buffer that is reused for the next. */
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
