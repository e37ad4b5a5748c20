/**
 * A data directory that is made out of another one: by a restore, a repair, a backup. Until all is in it its manifest has
 * another name, by which a start knows that messages are missing; it gets its own name in one step, last of all.
 */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DataDirectoryError } from "./damage-error.js";
import { DIRECTORY_FORMAT, encodeManifest, makeGeneration } from "./data-directory.js";
import type { Disk } from "./disk.js";
import { MANIFEST, UNFINISHED_MANIFEST } from "./layout.js";
import { replaceFile } from "./whole-file.js";

/** Of what is new. */
const GENERATION = 1;

/** Begins in `data`, which is there and empty. Segments go to generation 1. */
export const beginDataDirectory = (disk: Disk, data: string, shards: number): void => {
  const manifest = { format: DIRECTORY_FORMAT, shards, generation: GENERATION };
  replaceFile(disk, data, UNFINISHED_MANIFEST, encodeManifest(manifest));
  makeGeneration(disk, data, GENERATION, shards);
  disk.syncDirectory(dirname(resolve(data)));
};

/** All that is to be in it is on disk. */
export const finishDataDirectory = (disk: Disk, data: string): void => {
  disk.rename(join(data, UNFINISHED_MANIFEST), join(data, MANIFEST));
  disk.syncDirectory(data);
};

/**
 * Throws a `DataDirectoryError` if `path`, which need not be there, lies in a data directory: a start deletes there what
 * it does not know, and what is being read would change.
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
