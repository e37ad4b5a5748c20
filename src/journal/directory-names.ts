/**
 * Whether the names in a shard's directory are durable. Until they are, a crash may undo a rename or a removal, so
 * nothing may be written that relies on it.
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

  /** A file was renamed or removed. */
  changed(): void {
    this.#isSynced = false;
  }

  /**
   * Makes all changes durable; costs nothing if there are none. Throws a `SyncError` when the sync has failed. When the
   * directory could not be opened for it, throws that error, and the sync may be tried again.
   */
  sync(): void {
    if (this.#isSynced) return;
    synced(() => this.#disk.syncDirectory(this.#directory));
    this.#isSynced = true;
  }
}
