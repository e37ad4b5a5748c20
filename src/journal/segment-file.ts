/**
 * Reads the file of a segment: its head, its records about a page at a time, and, in a torn one, what follows the
 * break.
 */
import * as record from "../shard/log/record.js";
import type { Checksum } from "./checksum.js";
import { DataDirectoryError } from "./damage-error.js";
import type { DiskFile } from "./disk.js";
import type { LedgerEntry } from "./ledger.js";
import { RecordReader } from "./record-reader.js";
import { readFully } from "./whole-file.js";

export interface SegmentHead {
  readonly sequence: number;
  readonly replaces: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly shard: number;
  readonly shards: number;
}

export interface HeadFault {
  /** Within the segment. */
  readonly offset: number;
  readonly what: string;
}

/**
 * Why a whole head cannot be that of segment `sequence` of this shard (undefined: of any shard), so that the file
 * belongs elsewhere. Undefined: it can.
 */
export const faultOfHead = (head: SegmentHead, sequence: number, shard: number | undefined): HeadFault | undefined => {
  const { replaces } = head;
  if (shard !== undefined && head.shard !== shard) {
    return { offset: record.SHARD, what: `it belongs to shard ${head.shard}, not to shard ${shard}` };
  }
  if (head.sequence !== sequence) {
    return { offset: record.SEQUENCE, what: `it is segment ${head.sequence} under another name` };
  }
  if (replaces < 1 || replaces > sequence) {
    return { offset: record.REPLACES, what: `segment ${sequence} cannot replace ${replaces}` };
  }
  return undefined;
};

/**
 * Whether a whole head that is not that of the last segment's file can be what an earlier use has left in it: the file was
 * a spare, made of an obsolete segment, and its new head was never written.
 */
export const isLeftOver = (
  head: SegmentHead,
  sequence: number,
  shard: number | undefined,
  { first }: Pick<LedgerEntry, "first">,
): boolean =>
  head.sequence !== sequence && (first === 0 || head.sequence < first) && (shard === undefined || head.shard === shard);

/** Receives the whole records of a segment. */
export interface PageSink {
  /**
   * Returns at least `length` bytes of memory for the next page. If no whole record is found, `page` does not follow.
   */
  buffer(length: number): Uint8Array;
  /** The memory now holds whole records in [0, used), from `offset` of the segment on. `used` is a multiple of 8. */
  page(offset: number, used: number): void;
}

export interface SegmentWalk {
  /** Where the whole records end, a multiple of 8. */
  readonly end: number;
  /** The last record is SEAL: the whole segment was read. */
  readonly isSealed: boolean;
  /** What is wrong at `end`, if there is no SEAL. */
  readonly fault: string;
  readonly records: number;
  /** Bytes that its COMMIT records say were on disk. */
  readonly durable: number;
}

/** Bytes to search at a time after a break. */
const SCAN_BYTES = 1024 * 1024;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class SegmentFile {
  readonly #file: DiskFile;
  readonly #reader: RecordReader;
  readonly #size: number;
  readonly #minRecord = new Uint8Array(record.MIN_BYTES);
  readonly #minRecordView = viewOf(this.#minRecord);

  constructor(
    readonly path: string,
    readonly sequence: number,
    file: DiskFile,
    checksum: Checksum,
  ) {
    this.#file = file;
    this.#reader = new RecordReader(checksum);
    this.#size = file.size;
  }

  /** Bytes of the file, including what is allocated beyond its records. */
  get size(): number {
    return this.#size;
  }

  /**
   * The head, or what is wrong with it. That of another segment is whole as well: see `faultOfHead`. Throws a
   * `DataDirectoryError` if it is of a newer version.
   */
  head(): SegmentHead | string {
    const bytes = new Uint8Array(record.SEGMENT_BYTES);
    const read = readFully(this.#file, bytes, bytes.length, 0);
    if (read < bytes.length) return "the file is shorter than the head of a segment";
    const view = viewOf(bytes);
    const length = this.#reader.lengthAt(view, 0);
    if (length === 0) return this.#reader.fault;
    if (view.getUint8(record.TYPE) !== record.RecordType.SEGMENT || length !== bytes.length) {
      return "it does not begin with the head of a segment";
    }
    const sequence = view.getUint32(record.SEQUENCE);
    if (!this.#reader.isWhole(view, 0, length, sequence, 0)) return this.#reader.fault;
    const version = view.getUint8(record.VERSION);
    if (version < record.OLDEST_VERSION || version > record.FORMAT_VERSION) {
      throw new DataDirectoryError(
        `${this.path} has format ${version}; this ringmq reads formats ${record.OLDEST_VERSION} to ${record.FORMAT_VERSION}: use the version that wrote it`,
      );
    }
    if (view.getUint32(record.SEGMENT_MAGIC) !== record.MAGIC) return "it is not a segment of ringmq";
    return {
      sequence: view.getUint32(record.SEQUENCE),
      replaces: view.getUint32(record.REPLACES),
      created: view.getFloat64(record.CREATED),
      shard: view.getUint16(record.SHARD),
      shards: view.getUint16(record.SHARDS),
    };
  }

  /**
   * Reads all whole records, in pages of about `pageBytes`. Checksums that are known to be right are not checked.
   */
  walk(sink: PageSink, pageBytes: number, isVerified = false): SegmentWalk {
    let end = 0;
    let records = 0;
    let durable = 0;
    while (true) {
      const length = this.#lengthAt(end);
      if (length === 0) return { end, isSealed: false, fault: this.#reader.fault, records, durable };
      const stretch = Math.min(Math.max(pageBytes, record.align(length)), this.#size - end);
      // A file may end in the middle of the zeros after its last record.
      const bytes = sink.buffer(record.align(stretch));
      const view = viewOf(bytes);
      const read = readFully(this.#file, bytes, stretch, end);
      const page = this.#wholeRecords(view, read, end, isVerified);
      if (page.used > read) bytes.fill(0, read, page.used);
      if (page.used > 0) sink.page(end, page.used);
      end += page.used;
      records += page.records;
      durable = Math.max(durable, page.durable);
      if (page.isSealed) return { end, isSealed: true, fault: "", records, durable };
      if (page.isBroken) return { end, isSealed: false, fault: this.#reader.fault, records, durable };
    }
  }

  /**
   * The offset of a whole COMMIT after `end` which says that more than `end` bytes were on disk: then `end` is damage
   * and not a torn write. Undefined: there is none.
   */
  proofOfDamage(end: number): number | undefined {
    const bytes = new Uint8Array(Math.min(SCAN_BYTES, this.#size));
    const view = viewOf(bytes);
    let at = record.align(end);
    while (at + record.COMMIT_BYTES <= this.#size) {
      const read = readFully(this.#file, bytes, Math.min(SCAN_BYTES, this.#size - at), at);
      let i = 0;
      for (; i + record.COMMIT_BYTES <= read; i += 8) {
        if (view.getUint32(i) === record.COMMIT_BYTES && this.#isProof(view, i, at + i, end)) return at + i;
      }
      if (i === 0) break;
      at += i;
    }
    return undefined;
  }

  /** Whether a commit ended there: it left zeros. */
  isEmptyAt(end: number): boolean {
    const read = readFully(this.#file, this.#minRecord, this.#minRecord.length, end);
    return this.#minRecord.subarray(0, read).every((byte) => byte === 0);
  }

  /** Bytes from `end` to the last one that is not zero. */
  bytesBehind(end: number): number {
    const bytes = new Uint8Array(Math.min(SCAN_BYTES, this.#size));
    let last = end;
    for (let at = end; at < this.#size; ) {
      const read = readFully(this.#file, bytes, Math.min(SCAN_BYTES, this.#size - at), at);
      if (read === 0) break;
      let i = read;
      while (i > 0 && bytes[i - 1] === 0) i--;
      if (i > 0) last = at + i;
      at += read;
    }
    return last - end;
  }

  #isProof(view: DataView, at: number, offset: number, end: number): boolean {
    if (view.getUint8(at + record.TYPE) !== record.RecordType.COMMIT) return false;
    const durable = view.getFloat64(at + record.DURABLE);
    if (!(durable > end && durable <= offset)) return false;
    return this.#reader.isWhole(view, at, record.COMMIT_BYTES, this.sequence, offset);
  }

  /** The length of the record at `offset` according to its head; 0: there is none. */
  #lengthAt(offset: number): number {
    if (readFully(this.#file, this.#minRecord, this.#minRecord.length, offset) < this.#minRecord.length) {
      this.#reader.fault = "the file ends";
      return 0;
    }
    const length = this.#reader.lengthAt(this.#minRecordView, 0);
    if (length <= this.#size - offset) return length;
    this.#reader.fault = "the file ends inside a record";
    return 0;
  }

  /** Walks the whole records in `view[0, read)`, which begins at `start` of the file. */
  #wholeRecords(
    view: DataView,
    read: number,
    start: number,
    isVerified: boolean,
  ): { used: number; records: number; durable: number; isSealed: boolean; isBroken: boolean } {
    const reader = this.#reader;
    let at = 0;
    let records = 0;
    let durable = 0;
    while (at + record.MIN_BYTES <= read) {
      const length = reader.lengthAt(view, at);
      if (length === 0) return { used: at, records, durable, isSealed: false, isBroken: true };
      // The rest is in the next page, unless not even the first record is complete.
      if (at + length > read) break;
      if (!isVerified && !reader.isWhole(view, at, length, this.sequence, start + at)) {
        return { used: at, records, durable, isSealed: false, isBroken: true };
      }
      const type = view.getUint8(at + record.TYPE);
      if (type === record.RecordType.COMMIT) durable = Math.max(durable, view.getFloat64(at + record.DURABLE));
      const isSealed = type === record.RecordType.SEAL;
      at += record.align(length);
      records++;
      if (isSealed) return { used: at, records, durable, isSealed, isBroken: false };
    }
    const isBroken = at === 0;
    if (isBroken) reader.fault = "the file ends inside a record";
    return { used: at, records, durable, isSealed: false, isBroken };
  }
}
