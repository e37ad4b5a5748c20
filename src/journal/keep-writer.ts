/** Writes KEEP records: messages out of a compacted segment, with the claims that queues have to them. */
import { SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import * as plan from "../shard/compaction/keep-plan.js";
import * as record from "../shard/log/record.js";
import type { DiskFile } from "./disk.js";
import { readKeys } from "./kept-keys.js";
import type { RecordWriter } from "./record-writer.js";
import { readFully } from "./whole-file.js";

/** The longest header of a record that messages are in: two names of at most 255 bytes. */
const MAX_HEADER_BYTES = record.NAMES + 2 * 255;

/** As its field of 16 bits can tell. */
const MAX_CLAIMS = 0xffff;

/** The most bytes that a KEEP of a plan takes, without the keys of its messages. */
export const keepBytes = (keep: Uint32Array): number => {
  const claims = (keep[plan.KEEP_CLAIMS] as number) * record.CLAIM_BYTES;
  return record.align(MAX_HEADER_BYTES + claims + (keep[plan.KEEP_BYTES] as number));
};

/**
 * Writes one KEEP of a plan. `file` is the segment that holds its messages, `claims` are the claims to them. Returns
 * what the shard needs to find them: `PLACE_WORDS` of src/shard/compaction/relocation.ts.
 */
export const writeKeep = (
  writer: RecordWriter,
  file: DiskFile,
  keep: Uint32Array,
  claims: Uint8Array,
): readonly number[] => {
  const place = keep[plan.KEEP_RECORD] as number;
  const start = keep[plan.KEEP_ENTRIES] as number;
  const length = keep[plan.KEEP_BYTES] as number;
  const idLow = keep[plan.KEEP_ID_LOW] as number;
  const all = keep[plan.KEEP_COUNT] as number;
  if (claims.length / record.CLAIM_BYTES > MAX_CLAIMS) throw new Error("journal: a KEEP with too many claims");
  const head = new Uint8Array(MAX_HEADER_BYTES);
  const view = new DataView(head.buffer);
  readFully(file, head, Math.min(head.length, start - place), place);
  let entries = new Uint8Array(length);
  if (readFully(file, entries, length, start) < length) throw new Error("journal: a segment is shorter than it was");
  const gaps = withoutGaps(entries, idLow, all, claims);
  if (gaps !== undefined) entries = gaps.entries;
  const names = record.queuesOf(view, 0);
  const first = idLow + (gaps?.shift ?? 0);
  const keys = readKeys(file, place, view, first - view.getUint32(record.FIRST_ID_LOW), gaps?.span ?? all);
  // Who has numbered a batch is remembered with its topic, not with its messages.
  view.setUint8(record.KIND, view.getUint8(record.KIND) & ~record.BatchKind.NUMBERED);
  const at = writer.begin(record.RecordType.KEEP, names + claims.length + keys.length + entries.length);
  writer.bytes.set(head.subarray(record.TOPIC_LENGTH, names), at + record.TOPIC_LENGTH);
  writer.view.setUint16(at + record.COUNT, gaps?.span ?? all);
  writer.view.setUint16(at + record.QUEUES, claims.length / record.CLAIM_BYTES);
  writer.view.setUint32(at + record.FIRST_ID_HIGH, keep[plan.KEEP_ID_HIGH] as number);
  writer.view.setUint32(at + record.FIRST_ID_LOW, first);
  writer.bytes.set(claims, at + names);
  if (gaps !== undefined) writer.view.setUint16(at + names + record.CLAIM_SPAN, gaps.span);
  writer.bytes.set(keys, at + names + claims.length);
  writer.bytes.set(entries, at + names + claims.length + keys.length);
  writer.end();
  const end = writer.place + names + claims.length + keys.length;
  return [writer.place, end, gaps?.shift ?? 0, gaps?.span ?? 0, gaps === undefined ? 0 : entries.length];
};

interface WithoutGaps {
  readonly entries: Uint8Array<ArrayBuffer>;
  readonly shift: number;
  readonly span: number;
}

/**
 * The entries of a fragment that belongs to one queue: from the first message still needed to the last, with empty
 * entries for those in between that are not. Undefined: the queue needs all of them, or others need some as well.
 */
const withoutGaps = (all: Uint8Array, idLow: number, count: number, claims: Uint8Array): WithoutGaps | undefined => {
  if (claims.length !== record.CLAIM_BYTES) return undefined;
  const mask = new DataView(claims.buffer, claims.byteOffset).getUint32(record.CLAIM_MASK);
  if (mask === 0) return undefined;
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  const entries = new Uint8Array(all.length);
  let used = 0;
  let end = 0;
  let shift = -1;
  let last = -1;
  for (let i = 0, at = 0; i < count; i++) {
    const size = WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
    const isWanted = ((mask >>> ((idLow + i) & 31)) & 1) === 1;
    if (isWanted) {
      if (shift < 0) shift = i;
      entries.set(all.subarray(at, at + size), used);
      used += size;
      end = used;
      last = i;
    } else if (shift >= 0) {
      used += WORD_BYTES;
    }
    at += size;
  }
  const span = last - shift + 1;
  return span === count && end === all.length ? undefined : { entries: entries.slice(0, end), shift, span };
};

/** Calls `visit` with each KEEP of a plan, its claims, and the file of its segment, which `open` opens. */
export const eachKeep = (
  { keeps, claims }: Pick<plan.KeepPlan, "keeps" | "claims">,
  open: (sequence: number) => DiskFile,
  visit: (keep: Uint32Array, claims: Uint8Array, file: DiskFile) => void,
): void => {
  let source: { readonly sequence: number; readonly file: DiskFile } | undefined;
  let claim = 0;
  try {
    for (let at = 0; at < keeps.length; at += plan.KEEP_WORDS) {
      const keep = keeps.subarray(at, at + plan.KEEP_WORDS);
      const sequence = keep[plan.KEEP_SEQUENCE] as number;
      if (source?.sequence !== sequence) {
        source?.file.close();
        source = undefined;
        source = { sequence, file: open(sequence) };
      }
      const end = claim + (keep[plan.KEEP_CLAIMS] as number) * record.CLAIM_BYTES;
      visit(keep, claims.subarray(claim, end), source.file);
      claim = end;
    }
  } finally {
    source?.file.close();
  }
};
