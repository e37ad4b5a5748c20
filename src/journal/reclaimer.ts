/**
 * Lets the files go of segments that nobody needs: they become spares, or are removed. Each goes durably before the
 * next, in order, since what a crash leaves must be without a gap.
 */
import type { Log } from "../shard/log/log.js";
import type { Segment } from "../shard/log/segment.js";
import type { DirectoryNames } from "./directory-names.js";
import type { Disk } from "./disk.js";
import { isDiskFault } from "./disk-fault.js";
import { segmentPath } from "./layout.js";
import type { PageReader } from "./page-reader.js";
import type { Spares } from "./spares.js";

/** Segments whose files go at once: each costs a sync of the directory. */
const MAX_RECLAIMED = 8;

/** Of a segment: how short and how long a file may be to be used again. */
const MIN_SPARE_SHARE = 3 / 4;
const MAX_SPARE_SHARE = 3 / 2;

export interface ReclaimerOptions {
  readonly disk: Disk;
  /** Of the shard. */
  readonly directory: string;
  readonly segmentBytes: number;
  readonly names: DirectoryNames;
  readonly spares: Spares;
  readonly reader: PageReader;
  /** Called with a file that counts no more: it is to be removed some time. Without it that is done at once. */
  /** Whether files may be kept for later. */
  readonly hasSpace: () => boolean;
  readonly removeLater: ((path: string) => void) | undefined;
}

export class Reclaimer {
  readonly #options: ReclaimerOptions;
  /** Paths of segments for which others stand. */
  readonly #leftovers: string[] = [];
  /** Files that have lost their name, which may still be on disk. */
  readonly #unnamed: { readonly path: string; readonly isSpare: boolean }[] = [];

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  /** Files that are to go, beside those that the log has to offer. */
  get pending(): number {
    return this.#leftovers.length + this.#unnamed.length;
  }

  /** Another segment stands for this one: its file does not count while that one is there, and not one longer. */
  leave(sequence: number): void {
    this.#leftovers.push(segmentPath(this.#options.directory, sequence));
  }

  /** Removes what was left; until this has succeeded the segments that stand for it may not go. Throws faults of the disk. */
  removeLeftovers(): void {
    // The name of the segment that stands for them first: a crash must not take them and leave it without.
    this.#options.names.sync();
    for (let path = this.#leftovers.at(-1); path !== undefined; path = this.#leftovers.at(-1)) {
      this.#unname(path, false);
      this.#leftovers.pop();
    }
    this.#settle();
  }

  /** A batch of segments that the log does not need. What has made them dead is durable. Throws faults of the disk. */
  reclaim(log: Log): void {
    this.#settle();
    for (const segment of log.segments.reclaimable.slice(0, MAX_RECLAIMED)) {
      this.#letGo(segment);
      log.segments.forget(segment);
      this.#settle();
    }
  }

  #letGo({ sequence }: Segment): void {
    const { directory, reader, spares, hasSpace } = this.#options;
    const path = segmentPath(directory, sequence);
    reader.forget(sequence);
    this.#unname(path, !spares.isFull && hasSpace() && this.#isSpareSized(path));
  }

  /** Takes its name away from a file; if it is not gone then, it has another. */
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
      // Somebody has removed it: it is as it should be.
      if (!isDiskFault(error) || error.code !== "ENOENT") throw error;
    }
    names.changed();
  }

  /** Makes durable that the names are gone; only then may the files be used again. */
  #settle(): void {
    const { names, spares, removeLater } = this.#options;
    names.sync();
    for (const { path, isSpare } of this.#unnamed.splice(0)) {
      if (isSpare) spares.add(path);
      else removeLater?.(path);
    }
  }

  /** A segment that began as an empty file is about as long as it was to be. */
  #isSpareSized(path: string): boolean {
    const { segmentBytes } = this.#options;
    const size = this.#sizeOf(path);
    return size >= segmentBytes * MIN_SPARE_SHARE && size <= segmentBytes * MAX_SPARE_SHARE;
  }

  /** 0 where that cannot be told. */
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
