/** Removes files: a large one takes some file systems tens of milliseconds, in which a shard would stand still. */
import type { Disk } from "../../journal/disk.js";
import { isDiskFault } from "../../journal/disk-fault.js";
import type { RemoveInput, RemoveResult } from "./job.js";

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
