/**
 * The names in a shard's directory: whether they are durable. What was renamed or removed counts for a recovery only
 * then, so nothing may be written that relies on it before.
 */
import type { Disk } from "./disk.js";
import { synced } from "./disk-fault.js";

export class DirectoryNames {
  readonly #disk: Disk;
  readonly #directory: string;
  #isSynced = true;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** A file has got another name, or none. */
  changed(): void {
    this.#isSynced = false;
  }

  /**
   * Makes all changes durable; costs nothing if there are none. Throws a `SyncError` when that has failed, or the fault
   * of a disk that could not even begin with it: then it is to be tried again.
   */
  sync(): void {
    if (this.#isSynced) return;
    synced(() => this.#disk.syncDirectory(this.#directory));
    this.#isSynced = true;
  }
}
