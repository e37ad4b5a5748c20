/**
 * Reclaims the files of obsolete segments: they become spares or are removed. The ledger says that they are obsolete
 * before the first one goes, so a crash may leave any of them.
 */
import type { Log } from "../shard/log/log.js";
import type { Segment } from "../shard/log/segment.js";
import type { DirectoryNames } from "./directory-names.js";
import type { Disk } from "./disk.js";
import { isDiskFault } from "./disk-fault.js";
import { segmentPath } from "./layout.js";
import type { LedgerKeeper } from "./ledger-keeper.js";
import type { PageReader } from "./page-reader.js";
import type { Spares } from "./spares.js";

/** Segments reclaimed in one call: on some file systems each takes milliseconds. */
const MAX_RECLAIMED = 8;

/** Shares of a segment: how short and how long a file may be to become a spare. */
const MIN_SPARE_SHARE = 3 / 4;
const MAX_SPARE_SHARE = 3 / 2;

export interface ReclaimerOptions {
  readonly disk: Disk;
  /** The shard's. */
  readonly directory: string;
  readonly segmentBytes: number;
  readonly names: DirectoryNames;
  readonly ledger: Pick<LedgerKeeper, "raise">;
  readonly spares: Spares;
  readonly reader: PageReader;
  /** Whether there is space to keep files as spares. */
  readonly hasSpace: (bytes: number) => boolean;
  /** Called with an obsolete file, to be removed at some time. Without it the file is removed at once. */
  readonly removeLater: ((path: string) => void) | undefined;
}

export class Reclaimer {
  readonly #options: ReclaimerOptions;
  /** Paths of segments that were replaced by a compacted one. */
  readonly #leftovers: string[] = [];
  /** Files that were renamed, while their old name may still be on disk. */
  readonly #unnamed: { readonly path: string; readonly isSpare: boolean }[] = [];

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  /** Files that are still to go, besides the log's reclaimable segments. */
  get pending(): number {
    return this.#leftovers.length + this.#unnamed.length;
  }

  /** A compacted segment replaces this one. Its file is ignored only as long as that segment exists. */
  leave(sequence: number): void {
    this.#leftovers.push(segmentPath(this.#options.directory, sequence));
  }

  /** Removes replaced segments. Their replacements must stay until this has succeeded. Throws disk faults. */
  removeLeftovers(): void {
    // The name of the replacement first: a crash must not lose both.
    this.#options.names.sync();
    for (let path = this.#leftovers.at(-1); path !== undefined; path = this.#leftovers.at(-1)) {
      this.#unname(path, false);
      this.#leftovers.pop();
    }
    this.#settle();
  }

  /**
   * Reclaims a batch of the log's reclaimable segments; the records that made them so are durable. Throws disk faults.
   */
  reclaim(log: Log): void {
    this.#settle();
    const batch = log.segments.reclaimable.slice(0, MAX_RECLAIMED);
    const next = log.segments.all[batch.length];
    if (batch.length === 0 || next === undefined) return;
    this.#options.ledger.raise(next.replaces);
    for (const segment of batch) {
      this.#letGo(segment);
      log.segments.forget(segment);
    }
    this.#settle();
  }

  #letGo({ sequence }: Segment): void {
    const { directory, reader, spares, hasSpace } = this.#options;
    const path = segmentPath(directory, sequence);
    reader.forget(sequence);
    this.#unname(path, !spares.isFull && hasSpace(0) && this.#isSpareSized(path));
  }

  /** Takes the segment's name off a file: removes it, or gives it a temporary name. */
  #unname(path: string, isSpare: boolean): void {
    const { disk, names, spares, removeLater } = this.#options;
    try {
      if (!isSpare && removeLater === undefined) {
        disk.remove(path);
      } else {
        const other = spares.nextPath();
        disk.rename(path, other);
        this.#unnamed.push({ path: other, isSpare });
      }
    } catch (error) {
      // Somebody has removed it already.
      if (!isDiskFault(error) || error.code !== "ENOENT") throw error;
    }
    names.changed();
  }

  /** Makes the renames durable; only then may the files be reused. */
  #settle(): void {
    const { names, spares, removeLater } = this.#options;
    names.sync();
    for (const { path, isSpare } of this.#unnamed.splice(0)) {
      if (isSpare) spares.add(path);
      else removeLater?.(path);
    }
  }

  /** Segments that began as an empty file have about, not exactly, the full length. */
  #isSpareSized(path: string): boolean {
    const { segmentBytes } = this.#options;
    const size = this.#sizeOf(path);
    return size >= segmentBytes * MIN_SPARE_SHARE && size <= segmentBytes * MAX_SPARE_SHARE;
  }

  /** 0 if the file cannot be opened. */
  #sizeOf(path: string): number {
    try {
      const file = this.#options.disk.open(path, "read");
      try {
        return file.size;
      } finally {
        file.close();
      }
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      return 0;
    }
  }
}
