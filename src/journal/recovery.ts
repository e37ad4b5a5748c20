/**
 * Reads a shard's journal back, and leaves it ready for the log to continue in a new segment.
 *
 * Everything is read before anything is changed. Confirmed bytes that are not whole are damage, and an error; what was
 * being written when the broker ended is cut off. Three things tell these apart: the journal's order of writing (see
 * file-journal.ts), what each COMMIT says about the bytes before it (see record.ts of src/shard), and the ledger, which
 * says what there must be.
 */
import * as record from "../shard/log/record.js";
import type { Checksum } from "./checksum.js";
import { DamageError } from "./damage-error.js";
import type { Disk, DiskFile } from "./disk.js";
import { journalFiles, segmentPath } from "./layout.js";
import { faultByLedger, Ledger, type LedgerEntry } from "./ledger.js";
import { join } from "./paths.js";
import { faultOfHead, isLeftOver, type PageSink, SegmentFile, type SegmentWalk } from "./segment-file.js";
import { readFully, writeFully } from "./whole-file.js";

/** Receives the records: `Replay` of src/shard. */
export interface RecoveryTarget extends PageSink {
  /** The pages that follow belong to this segment. */
  segment(sequence: number, replaces: number): void;
  /** Everything has been read. Throws if it is inconsistent; nothing on disk is changed then. */
  finish(): void;
}

export interface RecoveryOptions {
  readonly disk: Disk;
  /** The shard's directory, which exists. */
  readonly directory: string;
  readonly checksum: Checksum;
  /** The shard that the segments must be of; undefined: any. */
  readonly shard?: number;
  /** Bytes to read at a time, about. */
  readonly pageBytes: number;
  /** Sequences of segments that were just verified: their checksums are not checked again. */
  readonly verified?: ReadonlySet<number>;
  /** Called from time to time with the bytes read since the last call. */
  readonly onProgress?: (bytes: number) => void;
}

export interface RecoveryReport {
  readonly segments: number;
  readonly bytes: number;
  readonly records: number;
  /** The sequence of the log's next segment. */
  readonly nextSequence: number;
  /** The torn end of the last segment: where it begins, and the bytes from there to the last one that is not zero. */
  readonly cut?: Cut;
}

export interface Cut {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Bytes to rewrite at a time. */
const REWRITE_BYTES = 1024 * 1024;

interface Known {
  readonly path: string;
  readonly sequence: number;
  readonly replaces: number;
}

interface Plan {
  /** The current segments, in order. */
  readonly segments: readonly Known[];
  /** Paths of files to ignore. */
  readonly superfluous: readonly string[];
  /** After the last of them another file was begun, which has no whole head. */
  readonly isFollowed: boolean;
  readonly cut: Cut | undefined;
}

/**
 * Throws a `DamageError` when something confirmed is broken or missing, and the system's error when it cannot read or
 * repair the end. In both cases another attempt finds the same journal.
 */
export const recover = (options: RecoveryOptions, target: RecoveryTarget): RecoveryReport => {
  const ledger = Ledger.open(options.disk, options.directory, options.shard);
  try {
    return recoverBy(ledger, options, target);
  } finally {
    ledger.close();
  }
};

const recoverBy = (ledger: Ledger, options: RecoveryOptions, target: RecoveryTarget): RecoveryReport => {
  const { disk, directory, onProgress } = options;
  const { entry } = ledger;
  const plan = planOf(options, entry);
  let bytes = 0;
  let records = 0;
  let last: SegmentWalk | undefined;
  let { cut } = plan;
  for (const known of plan.segments) {
    target.segment(known.sequence, known.replaces);
    const before = bytes;
    const sink: PageSink = {
      buffer: (length) => target.buffer(length),
      page: (offset, used) => {
        target.page(offset, used);
        onProgress?.(before + offset + used);
      },
    };
    const isLast = known === plan.segments.at(-1);
    const walk = using(options, known.path, known.sequence, (file) => {
      const found = file.walk(sink, options.pageBytes, options.verified?.has(known.sequence));
      // A later segment means that this one was sealed, even if the later one has no whole head.
      expectEntered(file, found.end, found.fault, entry);
      if (!found.isSealed) {
        expectTorn(file, found, isLast && !plan.isFollowed);
        cut = cutOf(file, found.end);
      }
      return found;
    });
    bytes += walk.end;
    records += walk.records;
    last = walk;
  }
  target.finish();

  const end = plan.segments.at(-1);
  const length = end !== undefined && last !== undefined ? seal(options, end, last) : 0;
  // The ledger names what is durable, and says of what is about to go that it may.
  disk.syncDirectory(directory);
  ledger.rewrite();
  const first = Math.max(entry.first, plan.segments[0]?.replaces ?? 1);
  ledger.write({ first, last: end?.sequence ?? 0, bytes: length });
  for (const path of plan.superfluous) disk.remove(path);
  if (plan.superfluous.length > 0) disk.syncDirectory(directory);
  return {
    segments: plan.segments.length,
    bytes,
    records,
    nextSequence: (end?.sequence ?? 0) + 1,
    ...(cut !== undefined && { cut }),
  };
};

/** Reads the heads of all segments and says which are current. */
const planOf = (options: RecoveryOptions, entry: LedgerEntry): Plan => {
  const { disk, directory } = options;
  const { sequences, temporary } = journalFiles(disk, directory);
  const superfluous = temporary.map((name) => join(directory, name));
  const known: Known[] = [];
  let unbegun: number | undefined;
  let cut: Cut | undefined;
  for (const sequence of sequences) {
    const path = segmentPath(directory, sequence);
    using(options, path, sequence, (file) => {
      const head = file.head();
      const isLast = sequence === sequences.at(-1);
      const fault = typeof head === "string" ? undefined : faultOfHead(head, sequence, options.shard);
      const isForeign = fault !== undefined && typeof head !== "string";
      if (isForeign && !(isLast && isLeftOver(head, sequence, options.shard, entry))) {
        throw new DamageError(path, fault.offset, fault.what);
      }
      if (sequence < entry.first) {
        superfluous.push(path);
        return;
      }
      if (typeof head !== "string" && !isForeign) {
        known.push({ path, sequence, replaces: head.replaces });
        return;
      }
      const what = typeof head === "string" ? head : "it has no head of its own";
      if (!isLast) throw new DamageError(path, 0, what);
      expectEntered(file, 0, what, entry);
      expectNoProof(file, 0, what);
      unbegun = sequence;
      cut = cutOf(file, 0);
      superfluous.push(path);
    });
  }
  const segments: Known[] = [];
  let first = Number.POSITIVE_INFINITY;
  for (const segment of known.reverse()) {
    if (segment.sequence >= first) superfluous.push(segment.path);
    else segments.push(segment);
    first = Math.min(first, segment.replaces);
  }
  segments.reverse();
  expectAll(directory, segments, unbegun, entry);
  return { segments, superfluous, isFollowed: unbegun !== undefined, cut };
};

/** Throws when a segment is missing: between others, or one that the ledger knows. */
const expectAll = (
  directory: string,
  segments: readonly Known[],
  unbegun: number | undefined,
  entry: LedgerEntry,
): void => {
  const missing = (sequence: number): DamageError =>
    new DamageError(segmentPath(directory, sequence), 0, "the file is missing");
  const begin = segments[0]?.replaces;
  let next = entry.first > 0 && !(begin !== undefined && begin <= entry.first) ? entry.first : begin;
  for (const { sequence, replaces } of segments) {
    if (next !== undefined && replaces !== next) throw missing(next);
    next = sequence + 1;
  }
  if (next === undefined) return;
  if (unbegun !== undefined && unbegun !== next) throw missing(next);
  if (unbegun === next) next++;
  if (next <= entry.last) throw missing(next);
};

/** Throws when the segment ends, at `end`, before the bytes that the ledger knows to have been on disk. */
const expectEntered = (file: SegmentFile, end: number, fault: string, entry: LedgerEntry): void => {
  const what = faultByLedger(entry, file.sequence, end, fault);
  if (what !== undefined) throw new DamageError(file.path, end, what);
};

/** Throws unless the fault can be a torn write. */
const expectTorn = (file: SegmentFile, { end, fault }: SegmentWalk, isLast: boolean): void => {
  if (!isLast) throw new DamageError(file.path, end, fault);
  expectNoProof(file, end, fault);
};

const expectNoProof = (file: SegmentFile, end: number, fault: string): void => {
  const proof = file.proofOfDamage(end);
  if (proof === undefined) return;
  throw new DamageError(file.path, end, `${fault}, and a commit at byte ${proof} says that it was on disk`);
};

/** Undefined: nothing was being written there. Leftovers of an earlier use may follow the zeros of a torn end. */
const cutOf = (file: SegmentFile, end: number): Cut | undefined => {
  const bytes = file.isEmptyAt(end) ? 0 : file.bytesBehind(end);
  return bytes === 0 ? undefined : { file: file.path, offset: end, bytes };
};

/** Makes the last segment durable, and seals it if it was torn. Returns its length. */
const seal = (
  { disk, checksum }: RecoveryOptions,
  { path, sequence }: Known,
  { end, isSealed, durable }: SegmentWalk,
): number => {
  const file = disk.open(path, "write");
  try {
    rewrite(file, durable, end);
    if (!isSealed) file.truncate(end);
    // Records may have been read from the page cache and not be on disk yet.
    file.sync();
    if (isSealed) return end;
    // After that sync, because the COMMIT in it says that everything before it is on disk.
    const ending = endingAt(checksum, sequence, end);
    writeFully(file, ending, 0, ending.length, end);
    file.sync();
    return end + ending.length;
  } finally {
    file.close();
  }
};

/**
 * Rewrites the bytes [start, end) of a file. After a failed sync they may be in the page cache only and marked clean:
 * no sync would write them unless they are written again.
 */
const rewrite = (file: DiskFile, start: number, end: number): void => {
  const bytes = new Uint8Array(Math.min(end - start, REWRITE_BYTES));
  for (let at = start; at < end; at += bytes.length) {
    const length = readFully(file, bytes, Math.min(bytes.length, end - at), at);
    writeFully(file, bytes, 0, length, at);
  }
};

/** COMMIT and SEAL: a later break before them is known to be damage, even if the SEAL breaks as well. */
const endingAt = (checksum: Checksum, sequence: number, offset: number): Uint8Array => {
  const bytes = new Uint8Array(record.align(record.COMMIT_BYTES) + record.align(record.SEAL_BYTES));
  const view = new DataView(bytes.buffer);
  const put = (at: number, type: number, length: number): void => {
    view.setUint32(at + record.LENGTH, length);
    view.setUint8(at + record.TYPE, type);
    const seed = record.checksumSeed(sequence, offset + at);
    view.setUint32(at + record.CHECKSUM, checksum(view, at + record.TYPE, at + length, seed));
  };
  view.setFloat64(record.DURABLE, offset);
  put(0, record.RecordType.COMMIT, record.COMMIT_BYTES);
  put(record.align(record.COMMIT_BYTES), record.RecordType.SEAL, record.SEAL_BYTES);
  return bytes;
};

const using = <T>(
  { disk, checksum }: RecoveryOptions,
  path: string,
  sequence: number,
  work: (file: SegmentFile) => T,
): T => {
  const file = disk.open(path, "read");
  try {
    return work(new SegmentFile(path, sequence, file, checksum));
  } finally {
    file.close();
  }
};
