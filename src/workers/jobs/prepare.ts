/** Makes a spare: the file of a segment to come, so that no commit waits for the file system to find room. */
import type { Disk } from "../../journal/disk.js";
import { makeSpare } from "../../journal/spares.js";
import type { PrepareInput, PrepareResult } from "./job.js";

/** Throws a `NodeJS.ErrnoException`: there is no file then. */
export const prepare = (disk: Disk, { path, bytes }: PrepareInput): PrepareResult => {
  makeSpare(disk, path, bytes);
  return { bytes };
};
