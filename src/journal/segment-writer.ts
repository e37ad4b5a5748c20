/**
 * The segment that is being written. Pages go into its file as they are, once the checksums of their records are in.
 */
import type { Page } from "../shard/log/page.js";
import * as record from "../shard/log/record.js";
import type { Segment } from "../shard/log/segment.js";
import type { Checksum } from "./checksum.js";
import type { DirectoryNames } from "./directory-names.js";
import type { Disk, DiskFile } from "./disk.js";
import { synced } from "./disk-fault.js";
import { segmentPath } from "./layout.js";
import { writeFully } from "./whole-file.js";

/**
 * Zeros behind the last record of a commit, in the room that a page keeps for its SEAL: what an earlier use of the file
 * has left there would look like a torn record to who reads it after a crash.
 */
const END_BYTES = record.SEAL_BYTES;

export class SegmentWriter {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #checksum: Checksum;
  readonly #names: DirectoryNames;
  #file: DiskFile | undefined;
  #segment: Segment | undefined;
  #isDirty = false;
  #capacity = 0;

  constructor(disk: Disk, directory: string, checksum: Checksum, names: DirectoryNames) {
    this.#disk = disk;
    this.#directory = directory;
    this.#checksum = checksum;
    this.#names = names;
  }

  /** Whose file is open. */
  get segment(): Segment | undefined {
    return this.#segment;
  }

  /** Bytes that the file had when it was opened: writes up to there need no more of the disk. */
  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Makes a spare the file of a segment. Everything before it must be durable: that its name is there says so. Where it
   * throws and `segment` is this one all the same, its name is not durable yet.
   */
  open(segment: Segment, spare: string): void {
    if (this.#file !== undefined) throw new Error("journal: the segment before is still open");
    const file = this.#disk.open(spare, "write");
    try {
      this.#capacity = file.size;
      this.#disk.rename(spare, segmentPath(this.#directory, segment.sequence));
    } catch (error) {
      file.close();
      throw error;
    }
    this.#file = file;
    this.#segment = segment;
    this.#names.changed();
    this.#names.sync();
  }

  /** Writes what is not written of a page. Throws with `written` as it was if it cannot write all. */
  write(page: Page, isLast: boolean): void {
    const { segment, bytes, written, used } = page;
    const file = this.#file;
    if (file === undefined || segment === undefined || segment !== this.#segment) {
      throw new Error("journal: a page of a segment that is not open");
    }
    this.#sum(page, segment.sequence);
    let end = used;
    if (isLast && !segment.isSealed && used + END_BYTES <= bytes.length) {
      bytes.fill(0, used, used + END_BYTES);
      end += END_BYTES;
    }
    this.#isDirty = true;
    writeFully(file, bytes, written, end - written, page.offset + written);
    page.written = used;
  }

  /** Makes what was written durable. Throws a `SyncError`: then nobody knows what of it is on disk. */
  sync(): void {
    const file = this.#file;
    if (file === undefined || !this.#isDirty) return;
    synced(() => file.sync());
    this.#isDirty = false;
  }

  /** What was not synced may be lost. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#segment = undefined;
    this.#isDirty = false;
  }

  /** Fills in the checksums of the records that are not written yet. */
  #sum({ view, offset, written, used }: Page, sequence: number): void {
    let at = written;
    while (at < used) {
      const length = view.getUint32(at + record.LENGTH);
      if (length < record.MIN_BYTES || at + length > used) throw new Error("journal: a page is not made of records");
      const seed = record.checksumSeed(sequence, offset + at);
      view.setUint32(at + record.CHECKSUM, this.#checksum(view, at + record.TYPE, at + length, seed));
      at += record.align(length);
    }
  }
}
