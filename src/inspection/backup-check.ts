/** Holds a backup against the list of its files. */
import { join, relative, sep } from "node:path";
import { faultOfListed, type ListedFile, readBackupList } from "../journal/backup-list.js";
import type { Disk } from "../journal/disk.js";
import type { Damage } from "./damage.js";
import type { FoundShard } from "./shard-files.js";
import { manifestOf } from "./shard-files.js";

export const isBackup = (disk: Disk, data: string): boolean => manifestOf(disk, data).backup !== undefined;

/** The files that a backup should have; undefined: the directory is not a backup, or a broker has started from it. */
export const listedFiles = (disk: Disk, data: string): readonly ListedFile[] | undefined => {
  const { backup } = manifestOf(disk, data);
  return backup === undefined ? undefined : readBackupList(disk, data, backup);
};

/**
 * What is not as the list has it, among the files of a shard: missing, cut off, altered, or not in the list. Reads every file;
 * `onRead` gets the bytes read since its last call.
 */
export const listFaults = (
  disk: Disk,
  data: string,
  listed: readonly ListedFile[],
  { directory, segments }: Pick<FoundShard, "directory" | "segments">,
  onRead: (bytes: number) => void,
): Damage[] => {
  const within = `${relative(data, directory).replaceAll(sep, "/")}/`;
  const own = listed.filter(({ path }) => path.startsWith(within));
  const damage: Damage[] = [];
  for (const file of own) {
    const what = faultOfListed(disk, data, file, onRead);
    if (what !== undefined) damage.push({ file: join(data, file.path), offset: 0, what });
  }
  const names = new Set(own.map(({ path }) => join(data, path)));
  for (const { path } of segments) {
    if (!names.has(path)) damage.push({ file: path, offset: 0, what: "the backup has no such file" });
  }
  return damage;
};
