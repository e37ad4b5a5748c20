/** Makes a data directory out of a backup, after verifying all of it. */
import type { Checksum } from "../journal/checksum.js";
import { DataDirectoryError } from "../journal/damage-error.js";
import { readManifest } from "../journal/data-directory.js";
import type { Disk } from "../journal/disk.js";
import { isOfFileSystem, segmentPath, shardDirectory } from "../journal/layout.js";
import { type LedgerEntry, NOT_KNOWN } from "../journal/ledger.js";
import { beginDataDirectory, expectOutside, finishDataDirectory } from "../journal/new-data-directory.js";
import { writeFully } from "../journal/whole-file.js";
import { type FoundSegment, manifestOf, readSegment, shardsOf } from "./shard-files.js";
import { verifyData } from "./verification.js";

export interface Restored {
  readonly shards: number;
  readonly segments: number;
  readonly bytes: number;
  /** There was a list of the backup's files to hold it against. */
  readonly wasListed: boolean;
}

/**
 * `data` is new or empty. `onRead` gets the bytes read since its last call. Throws a
 * `DataDirectoryError` when the backup is damaged, or `data` is not empty or is inside a data directory; or a disk
 * fault. `data` is then unfinished, and no broker starts from it.
 */
export const restoreData = (
  disk: Disk,
  backup: string,
  data: string,
  checksum: Checksum,
  onRead: (bytes: number) => void,
): Restored => {
  const { shards, backup: backupList } = manifestOf(disk, backup);
  expectOutside(data);
  // Before all is read, which may take minutes; and again before something is written.
  expectEmpty(disk, data);
  for (const { damage, torn } of verifyData(disk, backup, checksum, onRead)) {
    const [first = torn] = damage;
    if (first === undefined) continue;
    throw new DataDirectoryError(
      `the backup is damaged: ${first.file}, at byte ${first.offset}: ${first.what}. If it was copied, copy it again. ` +
        `What is whole is saved by: ringmq journal repair ${backup} OUT`,
    );
  }
  expectEmpty(disk, data);
  disk.makeDirectory(data);
  beginDataDirectory(disk, data, shards);
  let segments = 0;
  let bytes = 0;
  const ledgers: LedgerEntry[] = [];
  for (const shard of shardsOf(disk, backup, checksum)) {
    const directory = shardDirectory(data, 1, shard.shard);
    for (const segment of shard.segments) {
      bytes += copySegment(disk, segment, directory);
      segments++;
      onRead(segment.size);
    }
    disk.syncDirectory(directory);
    ledgers.push(shard.ledger ?? NOT_KNOWN);
  }
  finishDataDirectory(disk, data, ledgers);
  return { shards, segments, bytes, wasListed: backupList !== undefined };
};

const expectEmpty = (disk: Disk, data: string): void => {
  const present = namesIn(disk, data).find((name) => !isOfFileSystem(name));
  if (present === undefined) return;
  // Throws if it is unfinished.
  readManifest(disk, data);
  throw new DataDirectoryError(`${data} is not empty ("${present}"): give a new or an empty directory`);
};

const namesIn = (disk: Disk, data: string): readonly string[] => {
  try {
    return disk.list(data);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") throw new DataDirectoryError(`${data} is no directory: give a new or an empty one`);
    throw error;
  }
};

const copySegment = (disk: Disk, segment: FoundSegment, directory: string): number => {
  const bytes = readSegment(disk, segment);
  const file = disk.open(segmentPath(directory, segment.sequence), "create");
  try {
    writeFully(file, bytes, 0, bytes.length, 0);
    file.sync();
  } finally {
    file.close();
  }
  return bytes.length;
};
