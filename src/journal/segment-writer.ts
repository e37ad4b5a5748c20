/**
 * The segment that is being written. Fills in the checksums of records and writes pages to the file as they are.
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
 * Zeros after the last record of a commit, in the space that a page reserves for its SEAL. Without them, leftovers of
 * an earlier use of the file would look like a torn record after a crash.
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

  /** The segment whose file is open. */
  get segment(): Segment | undefined {
    return this.#segment;
  }

  /** Size of the file when it was opened: writes up to there need no more disk space. */
  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Turns a spare into the file of a segment. All earlier segments must be durable: the existence of this name says so.
   * If it throws with `segment` set to this one, the name is not durable yet.
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

  /** Writes the unwritten part of a page. If it cannot write all of it, it throws, and `written` is unchanged. */
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

  /** Makes everything written durable. After a `SyncError`, what is on disk is unknown. */
  sync(): void {
    const file = this.#file;
    if (file === undefined || !this.#isDirty) return;
    synced(() => file.sync());
    this.#isDirty = false;
  }

  /** Closes the file. What was not synced may be lost. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#segment = undefined;
    this.#isDirty = false;
  }

  /** Fills in the checksums of the unwritten records. */
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
