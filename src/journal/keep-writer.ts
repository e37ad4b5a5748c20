/** Writes KEEP records: messages out of a segment that was, with the claims that queues have to them. */
import * as plan from "../shard/keep-plan.js";
import * as record from "../shard/record.js";
import type { DiskFile } from "./disk.js";
import type { RecordWriter } from "./record-writer.js";
import { readFully } from "./whole-file.js";

/** The longest header of a record that messages are in: two names of at most 255 bytes. */
const MOST_HEADER_BYTES = record.NAMES + 2 * 255;

/** Bytes that the KEEP of a plan takes at most. */
export const keepBytes = (keep: Uint32Array): number => {
  const [, , , bytes = 0, , , , claims = 0] = keep;
  return record.align(MOST_HEADER_BYTES + claims * record.CLAIM_BYTES + bytes);
};

/**
 * `file` is that of the segment which the messages are in, `keep` one of a plan, `claims` those to it. Answers where in
 * the record, which begins at `writer.place`, the entries begin.
 */
export const writeKeep = (writer: RecordWriter, file: DiskFile, keep: Uint32Array, claims: Uint8Array): number => {
  const [, place = 0, entries = 0, bytes = 0, idHigh = 0, idLow = 0, count = 0] = keep;
  const head = new Uint8Array(MOST_HEADER_BYTES);
  const view = new DataView(head.buffer);
  readFully(file, head, Math.min(head.length, entries - place), place);
  const names = record.NAMES + view.getUint8(record.TOPIC_LENGTH) + view.getUint8(record.KEY_LENGTH);
  const at = writer.begin(record.RecordType.KEEP, names + claims.length + bytes);
  writer.bytes.set(head.subarray(record.TOPIC_LENGTH, names), at + record.TOPIC_LENGTH);
  writer.view.setUint16(at + record.COUNT, count);
  writer.view.setUint16(at + record.QUEUES, claims.length / record.CLAIM_BYTES);
  writer.view.setUint32(at + record.FIRST_ID_HIGH, idHigh);
  writer.view.setUint32(at + record.FIRST_ID_LOW, idLow);
  writer.bytes.set(claims, at + names);
  const start = at + names + claims.length;
  if (readFully(file, writer.bytes.subarray(start, start + bytes), bytes, entries) < bytes) {
    throw new Error("journal: a segment is shorter than it was");
  }
  writer.end();
  return names + claims.length;
};

/** Calls `visit` with each KEEP of a plan, the claims to it, and the file of its segment, which `open` opens. */
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
