/**
 * Scans a segment's file: its whole records, and the gaps between them. After a break it looks for the next record at
 * every multiple of eight, up to the end of the file. The checksum, which covers the record's position, tells a record
 * from bytes that look like one.
 */

import type { Checksum } from "../journal/checksum.js";
import { RecordReader } from "../journal/record-reader.js";
import * as record from "../shard/log/record.js";

export interface ScannedRecord {
  readonly kind: "record";
  readonly offset: number;
  readonly length: number;
  readonly type: number;
}

export interface Gap {
  readonly kind: "gap";
  readonly offset: number;
  /** Up to the next whole record or the last byte of the file that is not zero. */
  readonly length: number;
  /** What is wrong at its beginning. */
  readonly what: string;
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Walks a segment's file up to its SEAL. The last item is a gap when no whole record follows; zeros alone are not a
 * gap.
 */
export function* scanSegment(
  bytes: Uint8Array,
  sequence: number,
  checksum: Checksum,
): Generator<ScannedRecord | Gap, void> {
  const view = viewOf(bytes);
  const reader = new RecordReader(checksum);
  let at = 0;
  while (at + record.MIN_BYTES <= bytes.length) {
    const length = wholeRecord(reader, view, sequence, at);
    if (length === 0) {
      const what = reader.fault;
      const next = nextRecord(reader, view, sequence, at + 8);
      const end = next ?? contentEnd(bytes, at);
      if (end > at) yield { kind: "gap", offset: at, length: end - at, what };
      if (next === undefined) return;
      at = next;
      continue;
    }
    const type = view.getUint8(at + record.TYPE);
    yield { kind: "record", offset: at, length, type };
    if (type === record.RecordType.SEAL) return;
    at += record.align(length);
  }
}

/** The length of the whole record at `at`; 0: there is none, and `reader.fault` says why. */
const wholeRecord = (reader: RecordReader, view: DataView, sequence: number, at: number): number => {
  const length = reader.lengthAt(view, at);
  if (length === 0) return 0;
  if (length > view.byteLength - at) {
    reader.fault = "the file ends inside a record";
    return 0;
  }
  return reader.isWhole(view, at, length, sequence, at) ? length : 0;
};

/** Where the next whole record begins, from `start` on. */
const nextRecord = (reader: RecordReader, view: DataView, sequence: number, start: number): number | undefined => {
  for (let at = start; at + record.MIN_BYTES <= view.byteLength; at += 8) {
    // Most places have no valid length: check that before the checksum of what may be a long record.
    if (view.getUint32(at) !== 0 && wholeRecord(reader, view, sequence, at) > 0) return at;
  }
  return undefined;
};

/** The end of the bytes from `start` on, trailing zeros excluded. */
const contentEnd = (bytes: Uint8Array, start: number): number => {
  let end = bytes.length;
  while (end > start && bytes[end - 1] === 0) end--;
  return end;
};
