/**
 * Checks every record of every segment of a data directory, by the rules of a start: only the last segment of a shard
 * may be torn at its end, where nothing was confirmed. A backup is held against the list of its files as well.
 */
import type { Checksum } from "../journal/checksum.js";
import type { Disk } from "../journal/disk.js";
import { faultByLedger, type LedgerEntry } from "../journal/ledger.js";
import { SegmentFile } from "../journal/segment-file.js";
import * as record from "../shard/log/record.js";
import { isBackup, listedFiles, listFaults } from "./backup-check.js";
import type { Damage } from "./damage.js";
import { viewOf } from "./segment-scan.js";
import { type FoundSegment, type FoundShard, shardsOf } from "./shard-files.js";

export interface ShardVerification {
  readonly shard: number;
  readonly segments: number;
  readonly records: number;
  /** Messages in PUBLISH and KEEP records, most of which later records settle. */
  readonly messages: number;
  /** Bytes of records; files may be longer. */
  readonly bytes: number;
  readonly damage: readonly Damage[];
  /** A torn end, which a start would cut off. */
  readonly torn: Damage | undefined;
}

const READ_BYTES = 1024 * 1024;

/** `onRead` gets the bytes read since its last call. Throws a `DataDirectoryError`. */
export const verifyData = (
  disk: Disk,
  data: string,
  checksum: Checksum,
  onRead: (bytes: number) => void,
): ShardVerification[] => {
  const listed = listedFiles(disk, data);
  return shardsOf(disk, data, checksum).map((found) => {
    const { shard, directory, isThere, segments, missing, ledger, fault: unknown } = found;
    const tally = { records: 0, messages: 0, bytes: 0 };
    const damage: Damage[] = missing.map((sequence) => ({
      file: directory,
      offset: 0,
      what: `segment ${sequence} is missing`,
    }));
    if (!isThere) damage.push({ file: directory, offset: 0, what: "the directory of this shard is missing" });
    if (unknown !== undefined) damage.push({ file: unknown.file, offset: unknown.offset, what: unknown.what });
    let torn: Damage | undefined;
    for (const [i, segment] of segments.entries()) {
      const isLast = i === segments.length - 1;
      const fault = verifySegment(disk, segment, checksum, isLast, ledger, tally);
      if (fault !== undefined) {
        const { isTorn, ...found } = fault;
        if (isTorn) torn = found;
        else damage.push(found);
      }
      onRead(segment.size);
    }
    if (listed !== undefined) damage.push(...listFaults(disk, data, listed, found, onRead));
    return { shard, segments: segments.length, ...tally, damage, torn };
  });
};

/** Bytes that a verification reads: those of a backup twice. */
export const bytesToVerify = (disk: Disk, data: string, checksum: Checksum): number => {
  const times = isBackup(disk, data) ? 2 : 1;
  return times * bytesOf(shardsOf(disk, data, checksum));
};

export const bytesOf = (shards: readonly FoundShard[]): number =>
  shards.flatMap(({ segments }) => segments).reduce((sum, { size }) => sum + size, 0);

const verifySegment = (
  disk: Disk,
  { path, sequence, head, misplaced }: FoundSegment,
  checksum: Checksum,
  isLast: boolean,
  ledger: LedgerEntry | undefined,
  tally: { records: number; messages: number; bytes: number },
): (Damage & { readonly isTorn: boolean }) | undefined => {
  const file = disk.open(path, "read");
  try {
    const segment = new SegmentFile(path, sequence, file, checksum);
    /** What the ledger says of a break at `end`. */
    const known = (end: number, fault: string): string | undefined =>
      ledger === undefined ? undefined : faultByLedger(ledger, sequence, end, fault);
    if (typeof head === "string") {
      const what = known(0, head);
      if (what !== undefined) return { file: path, offset: 0, what, isTorn: false };
      return { file: path, offset: 0, what: head, isTorn: isLast && segment.proofOfDamage(0) === undefined };
    }
    if (misplaced !== undefined) return { file: path, ...misplaced, isTorn: false };
    let memory = new Uint8Array(READ_BYTES);
    const sink = {
      buffer: (length: number): Uint8Array => {
        if (memory.length < length) memory = new Uint8Array(length);
        return memory;
      },
      page: (_offset: number, used: number): void => {
        tally.messages += messagesIn(memory, used);
      },
    };
    const { end, isSealed, fault, records } = segment.walk(sink, READ_BYTES);
    tally.records += records;
    tally.bytes += end;
    const what = known(end, fault);
    if (what !== undefined) return { file: path, offset: end, what, isTorn: false };
    if (isSealed) return undefined;
    if (!isLast) return { file: path, offset: end, what: fault, isTorn: false };
    const behind = segment.bytesBehind(end);
    if (segment.proofOfDamage(end) !== undefined) return { file: path, offset: end, what: fault, isTorn: false };
    return behind === 0 ? undefined : { file: path, offset: end, what: `${behind} bytes of a torn end`, isTorn: true };
  } finally {
    file.close();
  }
};

const messagesIn = (bytes: Uint8Array, used: number): number => {
  const view = viewOf(bytes);
  let messages = 0;
  for (let at = 0; at < used; at += record.align(view.getUint32(at + record.LENGTH))) {
    const type = view.getUint8(at + record.TYPE);
    if (type === record.RecordType.PUBLISH || type === record.RecordType.KEEP) {
      messages += view.getUint16(at + record.COUNT);
    }
  }
  return messages;
};
