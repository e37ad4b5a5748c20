/** Puts records together to a segment of its own: with a head and a SEAL, and checksums that are of their new places. */
import type { Checksum } from "../journal/checksum.js";
import type { Disk } from "../journal/disk.js";
import { segmentPath } from "../journal/layout.js";
import { writeFully } from "../journal/whole-file.js";
import { packHead } from "../protocol/head.js";
import * as record from "../shard/record.js";
import type { DirectoryEntry } from "../shard/recorder.js";
import { viewOf } from "./segment-scan.js";

const FIRST_BYTES = 1024 * 1024;

/** Where a segment belongs. */
export interface ComposedHead {
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly shard: number;
  readonly shards: number;
}

export class SegmentComposer {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = viewOf(this.#bytes);
  #used = 0;

  constructor(readonly head: ComposedHead) {
    const { sequence, created, shard, shards } = head;
    const at = this.#reserve(record.SEGMENT_BYTES, record.RecordType.SEGMENT);
    this.#view.setUint8(at + record.VERSION, record.FORMAT_VERSION);
    this.#view.setUint32(at + record.SEGMENT_MAGIC, record.MAGIC);
    this.#view.setUint32(at + record.SEQUENCE, sequence);
    this.#view.setUint32(at + record.REPLACES, sequence);
    this.#view.setFloat64(at + record.CREATED, created);
    this.#view.setUint16(at + record.SHARD, shard);
    this.#view.setUint16(at + record.SHARDS, shards);
  }

  /** A copy of the record in `bytes[start, start + length)`. */
  copy(bytes: Uint8Array, start: number, length: number): void {
    const at = this.#reserve(length, 0);
    this.#bytes.set(bytes.subarray(start, start + length), at);
  }

  directory(entry: DirectoryEntry): void {
    const body = packHead(entry);
    const at = this.#reserve(record.DIRECTORY_BODY + body.length, record.RecordType.DIRECTORY);
    this.#bytes.set(body, at + record.DIRECTORY_BODY);
  }

  /** `ceiling`: a millisecond since the EPOCH of ids. */
  ids(ceiling: number): void {
    const at = this.#reserve(record.IDS_BYTES, record.RecordType.IDS);
    this.#view.setFloat64(at + record.CEILING, ceiling);
  }

  /** Writes the file and syncs it. Answers its bytes. The name is durable when its directory is synced. */
  write(disk: Disk, directory: string, checksum: Checksum): number {
    const { sequence } = this.head;
    this.#reserve(record.SEAL_BYTES, record.RecordType.SEAL);
    for (let at = 0; at < this.#used; ) {
      const length = this.#view.getUint32(at + record.LENGTH);
      const seed = record.checksumSeed(sequence, at);
      this.#view.setUint32(at + record.CHECKSUM, checksum(this.#view, at + record.TYPE, at + length, seed));
      at += record.align(length);
    }
    const file = disk.open(segmentPath(directory, sequence), "create");
    try {
      writeFully(file, this.#bytes, 0, this.#used, 0);
      file.sync();
    } finally {
      file.close();
    }
    return this.#used;
  }

  /** Room for a record of zeros but for its length and type. */
  #reserve(length: number, type: number): number {
    const at = this.#used;
    const end = at + record.align(length);
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = viewOf(grown);
    }
    this.#used = end;
    this.#view.setUint32(at + record.LENGTH, length);
    this.#view.setUint8(at + record.TYPE, type);
    return at;
  }
}
