/** Reads back pages that have left memory, and checks their records again: no later step would notice damage. */
import type { PageSource } from "../shard/log/pages.js";
import * as record from "../shard/log/record.js";
import type { Checksum } from "./checksum.js";
import { DamageError } from "./damage-error.js";
import type { DescriptorReserve } from "./descriptor-reserve.js";
import type { Disk, DiskFile } from "./disk.js";
import { isDiskFault, isOutOfDescriptors } from "./disk-fault.js";
import { segmentPath } from "./layout.js";
import { pause } from "./pause.js";
import { RecordReader } from "./record-reader.js";
import { readFully } from "./whole-file.js";

/** Files kept open, the most recently read: consumers of different queues read in different places. */
export const MAX_OPEN_PAGES = 16;

/** Milliseconds between attempts to open a file when there is no descriptor, and how many: about two seconds. */
const WAIT = 10;
const MAX_WAITS = 200;

export class PageReader implements PageSource {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #reserve: Pick<DescriptorReserve, "giveUp"> | undefined;
  readonly #reader: RecordReader;
  /** By sequence, the most recently used last. */
  readonly #open = new Map<number, DiskFile>();

  /** `reserve` is used when no file can be opened and none of this reader's own can be closed. */
  constructor(disk: Disk, directory: string, checksum: Checksum, reserve?: Pick<DescriptorReserve, "giveUp">) {
    this.#disk = disk;
    this.#reserve = reserve;
    this.#directory = directory;
    this.#reader = new RecordReader(checksum);
  }

  read(sequence: number, offset: number, into: Uint8Array, length: number): void {
    const path = segmentPath(this.#directory, sequence);
    const read = readFully(this.#file(sequence, path), into, length, offset);
    if (read < length) throw new DamageError(path, offset + read, "the file is shorter than it was");
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    let at = 0;
    while (at + record.MIN_BYTES <= length) {
      const size = this.#reader.lengthAt(view, at);
      if (size === 0) throw new DamageError(path, offset + at, this.#reader.fault);
      if (at + size > length) break;
      if (!this.#reader.isWhole(view, at, size, sequence, offset + at)) {
        throw new DamageError(path, offset + at, this.#reader.fault);
      }
      at += record.align(size);
    }
    if (at !== length) throw new DamageError(path, offset + at, "the records of a page do not end where it does");
  }

  /** The file of a segment is about to be removed or replaced. */
  forget(sequence: number): void {
    this.#open.get(sequence)?.close();
    this.#open.delete(sequence);
  }

  /** Closes all files and returns how many; they are opened again on demand. */
  close(): number {
    const { size } = this.#open;
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
    return size;
  }

  #file(sequence: number, path: string): DiskFile {
    const known = this.#open.get(sequence);
    if (known !== undefined) {
      this.#open.delete(sequence);
      this.#open.set(sequence, known);
      return known;
    }
    if (this.#open.size >= MAX_OPEN_PAGES) this.#forgetOldest();
    const file = this.#openFile(path);
    this.#open.set(sequence, file);
    return file;
  }

  /** Out of descriptors, it closes one of its own files, then uses the reserve, then waits a little. */
  #openFile(path: string): DiskFile {
    for (let waits = 0; ; ) {
      try {
        return this.#disk.open(path, "read");
      } catch (error) {
        if (!isDiskFault(error) || !isOutOfDescriptors(error)) throw error;
        if (this.#forgetOldest() || this.#reserve?.giveUp(1) === 1) continue;
        waits++;
        if (waits > MAX_WAITS) throw error;
        pause(WAIT);
      }
    }
  }

  /** Closes the least recently used file. False: none is open. */
  #forgetOldest(): boolean {
    const [oldest] = this.#open.keys();
    if (oldest === undefined) return false;
    this.forget(oldest);
    return true;
  }
}
