/**
 * Writes a whole segment, from its head to its seal, for compaction and repair. The file means nothing until it gets
 * the name of a segment.
 */
import * as record from "../shard/log/record.js";
import type { Checksum } from "./checksum.js";
import type { DiskFile } from "./disk.js";
import { writeFully } from "./whole-file.js";

export interface NewSegment {
  readonly sequence: number;
  readonly replaces: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly shard: number;
  readonly shards: number;
}

export class RecordWriter {
  /** Where the pages written so far begin and end, in pairs. */
  readonly pages: number[] = [];
  readonly #file: DiskFile;
  readonly #checksum: Checksum;
  readonly #sequence: number;
  readonly #pageBytes: number;
  #bytes: Uint8Array;
  #view: DataView;
  /** Where the current page begins in the file, and how much of it is filled. */
  #start = 0;
  #used = 0;
  /** The last record that was begun. */
  #at = 0;
  #length = 0;

  constructor(file: DiskFile, checksum: Checksum, head: NewSegment, pageBytes: number) {
    this.#file = file;
    this.#checksum = checksum;
    this.#sequence = head.sequence;
    this.#pageBytes = pageBytes;
    this.#bytes = new Uint8Array(pageBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#head(head);
  }

  /** Bytes of the segment so far. */
  get size(): number {
    return this.#start + this.#used;
  }

  /** Where in the file the last record begins. */
  get place(): number {
    return this.#start + this.#at;
  }

  /**
   * Begins a record of `length` bytes, all zero but its length and type. Returns where it begins in `bytes` and `view`.
   * The caller fills in the rest and calls `end`.
   */
  begin(type: number, length: number): number {
    const size = record.align(length);
    if (this.#used > 0 && this.#used + size > this.#pageBytes) this.#flush();
    if (size > this.#bytes.length) {
      this.#bytes = new Uint8Array(size);
      this.#view = new DataView(this.#bytes.buffer);
    }
    const at = this.#used;
    this.#bytes.fill(0, at, at + size);
    this.#view.setUint32(at + record.LENGTH, length);
    this.#view.setUint8(at + record.TYPE, type);
    this.#at = at;
    this.#length = length;
    return at;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  end(): void {
    const at = this.#at;
    const seed = record.checksumSeed(this.#sequence, this.place);
    const sum = this.#checksum(this.#view, at + record.TYPE, at + this.#length, seed);
    this.#view.setUint32(at + record.CHECKSUM, sum);
    this.#used = at + record.align(this.#length);
  }

  /** A DIRECTORY record. */
  directory(body: Uint8Array): void {
    const at = this.begin(record.RecordType.DIRECTORY, record.DIRECTORY_BODY + body.length);
    this.#bytes.set(body, at + record.DIRECTORY_BODY);
    this.end();
  }

  /** A STATE record; `body` begins with its type. */
  state(body: Uint8Array): void {
    const at = this.begin(record.RecordType.STATE, record.TYPE + body.length);
    this.#bytes.set(body, at + record.TYPE);
    this.end();
  }

  /** An IDS record. */
  ids(ceiling: number): void {
    const at = this.begin(record.RecordType.IDS, record.IDS_BYTES);
    this.#view.setFloat64(at + record.CEILING, ceiling);
    this.end();
  }

  /** Ends the segment and makes it durable. */
  seal(): void {
    // It says that everything before it is on disk: if that breaks later, recovery knows that it is damage.
    const at = this.begin(record.RecordType.COMMIT, record.COMMIT_BYTES);
    this.#view.setFloat64(at + record.DURABLE, this.place);
    this.end();
    this.begin(record.RecordType.SEAL, record.SEAL_BYTES);
    this.end();
    this.#flush();
    this.#file.sync();
  }

  #head({ sequence, replaces, created, shard, shards }: NewSegment): void {
    const at = this.begin(record.RecordType.SEGMENT, record.SEGMENT_BYTES);
    const view = this.#view;
    view.setUint8(at + record.VERSION, record.FORMAT_VERSION);
    view.setUint32(at + record.SEGMENT_MAGIC, record.MAGIC);
    view.setUint32(at + record.SEQUENCE, sequence);
    view.setUint32(at + record.REPLACES, replaces);
    view.setFloat64(at + record.CREATED, created);
    view.setUint16(at + record.SHARD, shard);
    view.setUint16(at + record.SHARDS, shards);
    this.end();
  }

  #flush(): void {
    writeFully(this.#file, this.#bytes, 0, this.#used, this.#start);
    this.pages.push(this.#start, this.#start + this.#used);
    this.#start += this.#used;
    this.#used = 0;
  }
}
