/** What the journal of a shard is given: its files, and what others do for it. */
import type { Checksum } from "./checksum.js";
import type { DescriptorReserve } from "./descriptor-reserve.js";
import type { Disk } from "./disk.js";
import type { Home } from "./home.js";

export interface FileJournalOptions {
  readonly disk: Disk;
  /** The shard's directory, which exists. */
  readonly directory: string;
  readonly checksum: Checksum;
  readonly level: number;
  /** As in the log. */
  readonly segmentBytes: number;
  /** The sequence of the log's next segment. It makes the names of spare files of different runs differ. */
  readonly nextSequence: number;
  /**
   * Called when a spare will be needed: make a file of that many zeros, durably, and call `spareAnswered`. Without it,
   * files are made when they are needed, which costs that commit some tens of milliseconds.
   */
  readonly wantSpare?: (path: string, bytes: number) => void;
  /**
   * Whether there is more space than is reserved for acks and compaction, and `bytes` besides: only then are spares made or
   * kept. Without it, there always is, until a write fails. Cheap for 0 bytes.
   */
  readonly hasSpace?: (bytes: number) => boolean;
  /** Used when no file can be opened. Without it the journal waits for a free descriptor. */
  readonly reserve?: Pick<DescriptorReserve, "isWhole" | "fill" | "giveUp">;
  /** Asked before anything is written; `disk` asks it as well. Without it, names lead where they did. */
  readonly home?: Pick<Home, "check" | "confirm" | "follow" | "look">;
  /**
   * Called with an obsolete file, to be removed at some time. Without it the file is removed at once, which takes tens
   * of milliseconds for a large file on some file systems.
   */
  readonly removeLater?: (path: string) => void;
  /** Called when obsolete files cannot be removed: once, until a removal succeeds again. */
  readonly reclaimFailed?: (error: Error) => void;
}
