/** Reads the keys of messages out of a compacted segment. */
import { skipKeys } from "../protocol/keys.js";
import * as record from "../shard/log/record.js";
import type { DiskFile } from "./disk.js";
import { readFully } from "./whole-file.js";

const NO_KEYS = new Uint8Array(0);

/**
 * What a KEYED batch has behind its claims, for `count` of the messages of the record at `place`, from its `first` on; nothing
 * if they have no keys. `head` has the beginning of the record.
 */
export const readKeys = (file: DiskFile, place: number, head: DataView, first: number, count: number): Uint8Array => {
  if (!record.isKind(head, 0, record.BatchKind.KEYED)) return NO_KEYS;
  const keysAt = place + keysOffset(file, place, head);
  const facts = readAt(file, keysAt, record.KEYED_KEYS);
  const keys = readAt(file, keysAt + record.KEYED_KEYS, facts.getUint32(record.KEYED_BYTES));
  const start = skipKeys(keys, 0, first);
  const end = skipKeys(keys, start, count);
  const kept = new Uint8Array(record.KEYED_KEYS + end - start);
  const view = new DataView(kept.buffer);
  view.setFloat64(record.KEYED_UNTIL, facts.getFloat64(record.KEYED_UNTIL));
  view.setUint32(record.KEYED_BYTES, end - start);
  kept.set(new Uint8Array(keys.buffer, start, end - start), record.KEYED_KEYS);
  return kept;
};

/** Where they begin in their record. */
const keysOffset = (file: DiskFile, place: number, head: DataView): number => {
  if (head.getUint8(record.TYPE) === record.RecordType.KEEP) return record.claimsEnd(head, 0);
  const numbers = record.queuesEnd(head, 0);
  if (!record.isKind(head, 0, record.BatchKind.NUMBERED)) return numbers;
  const length = readAt(file, place + numbers + record.NUMBERED_LENGTH, 1).getUint8(0);
  return numbers + record.NUMBERED_PRODUCER + length;
};

const readAt = (file: DiskFile, at: number, length: number): DataView<ArrayBuffer> => {
  const bytes = new Uint8Array(length);
  if (readFully(file, bytes, length, at) < length) throw new Error("journal: a segment is shorter than it was");
  return new DataView(bytes.buffer);
};
