/** Makes a data directory out of a backup, once all of that has been found whole. */
import { join } from "node:path";
import type { Checksum } from "../journal/checksum.js";
import { DataDirectoryError } from "../journal/damage-error.js";
import { makeGeneration, writeManifest } from "../journal/data-directory.js";
import type { Disk } from "../journal/disk.js";
import { segmentPath, shardDirectory } from "../journal/layout.js";
import { writeFully } from "../journal/whole-file.js";
import { type FoundSegment, manifestOf, readSegment, shardsOf } from "./shard-files.js";
import { verifyData } from "./verification.js";

export interface Restored {
  readonly shards: number;
  readonly segments: number;
  readonly bytes: number;
}

/**
 * `data` is new or empty. `onRead` is told of bytes that have been read, each of them twice, since it was told last.
 * Throws a `DataDirectoryError` when the backup is damaged or there is something in `data`, and what a disk throws: then
 * `data` has no manifest, and no broker starts from it.
 */
export const restoreData = (
  disk: Disk,
  backup: string,
  data: string,
  checksum: Checksum,
  onRead: (bytes: number) => void,
): Restored => {
  const { format, shards } = manifestOf(disk, backup);
  for (const { damage, torn } of verifyData(disk, backup, checksum, onRead)) {
    const [first = torn] = damage;
    if (first === undefined) continue;
    throw new DataDirectoryError(
      `the backup is damaged: ${first.file}, at byte ${first.offset}: ${first.what}. ` +
        `What is whole is saved by: ringmq journal repair ${backup} OUT`,
    );
  }
  disk.makeDirectory(data);
  const [present] = disk.list(data);
  if (present !== undefined) {
    throw new DataDirectoryError(`${data} is not empty ("${present}"): give a new or an empty directory`);
  }
  makeGeneration(disk, data, 1, shards);
  let segments = 0;
  let bytes = 0;
  for (const shard of shardsOf(disk, backup, checksum)) {
    const directory = shardDirectory(data, 1, shard.shard);
    for (const segment of shard.segments) {
      bytes += copySegment(disk, segment, directory);
      segments++;
      onRead(segment.size);
    }
    disk.syncDirectory(directory);
  }
  disk.syncDirectory(join(data, ".."));
  writeManifest(disk, data, { format, shards, generation: 1 });
  return { shards, segments, bytes };
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
