/** The two ends of a backup: syncs take milliseconds each, in which the main thread would serve nobody. */
import type { Disk } from "../../journal/disk.js";
import { beginDataDirectory, expectOutside, finishDataDirectory } from "../../journal/new-data-directory.js";
import type { BeginDirectoryInput, FinishDirectoryInput } from "./job.js";

/** Throws a `DataDirectoryError` where a start would delete it, and what the disk throws. */
export const beginDirectory = (disk: Disk, { path, shards }: BeginDirectoryInput): object => {
  expectOutside(path);
  beginDataDirectory(disk, path, shards);
  return {};
};

export const finishDirectory = (disk: Disk, { path }: FinishDirectoryInput): object => {
  finishDataDirectory(disk, path);
  return {};
};
