/**
 * A data directory that a restore, a repair or a backup makes. Until everything is in it, its manifest has another
 * name, which tells a start that messages are missing. The last step renames it.
 */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type ListedFile, writeBackupList } from "./backup-list.js";
import { DataDirectoryError } from "./damage-error.js";
import { DIRECTORY_FORMAT, encodeManifest, makeGeneration } from "./data-directory.js";
import type { Disk } from "./disk.js";
import { MANIFEST, shardDirectory, UNFINISHED_MANIFEST } from "./layout.js";
import { type LedgerEntry, makeLedger } from "./ledger.js";
import { replaceFile } from "./whole-file.js";

/** The generation of a new directory. */
const GENERATION = 1;

/** Begins in `data`, which exists and is empty. Segments go to generation 1. */
export const beginDataDirectory = (disk: Disk, data: string, shards: number): void => {
  const manifest = { format: DIRECTORY_FORMAT, shards, generation: GENERATION };
  replaceFile(disk, data, UNFINISHED_MANIFEST, encodeManifest(manifest));
  makeGeneration(disk, data, GENERATION, shards);
  disk.syncDirectory(dirname(resolve(data)));
};

/** Completes the directory: everything in it is on disk. `ledgers`: what is to be in those of the shards, by shard. */
export const finishDataDirectory = (disk: Disk, data: string, ledgers: readonly LedgerEntry[]): void => {
  for (const [shard, entry] of ledgers.entries())
    makeLedger(disk, shardDirectory(data, GENERATION, shard), shard, entry);
  disk.rename(join(data, UNFINISHED_MANIFEST), join(data, MANIFEST));
  disk.syncDirectory(data);
};

/** Completes the directory of a backup, which has these files; `ledgers` as above. */
export const finishBackup = (
  disk: Disk,
  data: string,
  ledgers: readonly LedgerEntry[],
  files: readonly ListedFile[],
): void => {
  const shards = ledgers.length;
  const backup = writeBackupList(disk, data, files);
  const manifest = { format: DIRECTORY_FORMAT, shards, generation: GENERATION, backup };
  replaceFile(disk, data, UNFINISHED_MANIFEST, encodeManifest(manifest));
  finishDataDirectory(disk, data, ledgers);
};

/**
 * Throws a `DataDirectoryError` if `path`, which need not exist, is inside a data directory: a start deletes unknown
 * files there, and the directory that is being read would change.
 */
export const expectOutside = (path: string): void => {
  let above = dirname(resolve(path));
  while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
  for (let at = realpathSync(above); ; at = dirname(at)) {
    if ([MANIFEST, UNFINISHED_MANIFEST].some((name) => existsSync(join(at, name)))) {
      throw new DataDirectoryError(`${path} lies in the data directory ${at}: give another place`);
    }
    if (at === dirname(at)) return;
  }
};
