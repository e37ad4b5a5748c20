/**
 * Everything that is in a segment's file, whole or not: records one after another, and the stretches between them in
 * which no whole record begins. Behind a break it looks for the next record at every multiple of eight, as far as the
 * file goes: the checksum, which begins with the place of the record, tells one from bytes that look alike.
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
  /** Up to the next whole record, or to the last byte of the file that is not zero. */
  readonly length: number;
  /** What is wrong where it begins. */
  readonly what: string;
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Walks the contents of a segment's file up to its SEAL. A gap is the last of it when nothing whole follows; there is
 * none when the records end in zeros and nothing else.
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

/** The length of the whole record at `at`; 0: there is none, and the reader says why. */
const wholeRecord = (reader: RecordReader, view: DataView, sequence: number, at: number): number => {
  const length = reader.lengthAt(view, at);
  if (length === 0) return 0;
  if (length > view.byteLength - at) {
    reader.fault = "the file ends inside a record";
    return 0;
  }
  return reader.isWhole(view, at, length, sequence, at) ? length : 0;
};

/** Where the next whole record from `start` on begins. */
const nextRecord = (reader: RecordReader, view: DataView, sequence: number, start: number): number | undefined => {
  for (let at = start; at + record.MIN_BYTES <= view.byteLength; at += 8) {
    // Most places have no length: this comes before the checksum of what may be a long stretch.
    if (view.getUint32(at) !== 0 && wholeRecord(reader, view, sequence, at) > 0) return at;
  }
  return undefined;
};

/** Behind the last byte from `start` on that is not zero. */
const contentEnd = (bytes: Uint8Array, start: number): number => {
  let end = bytes.length;
  while (end > start && bytes[end - 1] === 0) end--;
  return end;
};
