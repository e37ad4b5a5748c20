/**
 * Reads a shard's journal back, and leaves it so that the log can go on in a new segment.
 *
 * Everything is read before anything is changed. What was confirmed and is not whole any more is damage, and an error;
 * what was being written when the broker ended is cut off. The two are told apart by what the journal's order of writing
 * rules out (see file-journal.ts) and by what each COMMIT says of the bytes before it (see record.ts of src/shard).
 */
import { join } from "node:path";
import * as record from "../shard/log/record.js";
import type { Checksum } from "./checksum.js";
import { DamageError } from "./damage-error.js";
import type { Disk, DiskFile } from "./disk.js";
import { journalFiles, segmentPath } from "./layout.js";
import { faultOfHead, type PageSink, SegmentFile, type SegmentWalk } from "./segment-file.js";
import { readFully, writeFully } from "./whole-file.js";

/** What is made of the records: `Replay` of src/shard. */
export interface RecoveryTarget extends PageSink {
  /** The pages that follow are of this segment. */
  segment(sequence: number, replaces: number): void;
  /** Everything has been read. Throws if it cannot be true; then nothing is changed on disk. */
  finish(): void;
}

export interface RecoveryOptions {
  readonly disk: Disk;
  /** Of the shard; it is there. */
  readonly directory: string;
  readonly checksum: Checksum;
  /** Whose segments these must be; undefined: whoever's. */
  readonly shard?: number;
  /** Read at a time, about. */
  readonly pageBytes: number;
  /** Sequences of segments that were found whole a moment ago: their checksums are not looked at again. */
  readonly verified?: ReadonlySet<number>;
  /** Called from time to time with the bytes that have been read. */
  readonly onProgress?: (bytes: number) => void;
}

export interface RecoveryReport {
  readonly segments: number;
  readonly bytes: number;
  readonly records: number;
  /** What the log may begin next. */
  readonly nextSequence: number;
  /** The torn end of the last segment: where it began, and bytes from there to the last that was not zero. */
  readonly cut?: Cut;
}

export interface Cut {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Written anew at a time. */
const REWRITE_BYTES = 1024 * 1024;

interface Known {
  readonly path: string;
  readonly sequence: number;
  readonly replaces: number;
}

interface Plan {
  /** What counts, in order. */
  readonly segments: readonly Known[];
  /** Paths of files that do not. */
  readonly superfluous: readonly string[];
  /** There is a file behind them that was not begun as a whole, and what was in it. */
  readonly isFollowed: boolean;
  readonly cut: Cut | undefined;
}

/**
 * Throws a `DamageError` when something confirmed is broken or missing, and the error of the system when it cannot read
 * or repair the end; nothing is changed then that another attempt would miss.
 */
export const recover = (options: RecoveryOptions, target: RecoveryTarget): RecoveryReport => {
  const { disk, directory, onProgress } = options;
  const plan = planOf(options);
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
      // A segment behind this one says that it was sealed, even if that one was not begun as a whole.
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
  if (end !== undefined && last !== undefined) seal(options, end, last);
  for (const path of plan.superfluous) disk.remove(path);
  disk.syncDirectory(directory);
  return {
    segments: plan.segments.length,
    bytes,
    records,
    nextSequence: (end?.sequence ?? 0) + 1,
    ...(cut !== undefined && { cut }),
  };
};

/** Looks at the heads of all segments, and says which count. */
const planOf = (options: RecoveryOptions): Plan => {
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
      if (typeof head !== "string") {
        const fault = faultOfHead(head, sequence, options.shard);
        if (fault !== undefined) throw new DamageError(path, fault.offset, fault.what);
        known.push({ path, sequence, replaces: head.replaces });
        return;
      }
      if (sequence !== sequences.at(-1)) throw new DamageError(path, 0, head);
      expectNoProof(file, 0, head);
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
  expectNoGap(directory, segments, unbegun);
  return { segments, superfluous, isFollowed: unbegun !== undefined, cut };
};

const expectNoGap = (directory: string, segments: readonly Known[], unbegun: number | undefined): void => {
  let next = segments[0]?.replaces;
  const missing = (sequence: number): DamageError =>
    new DamageError(segmentPath(directory, sequence), 0, "the file is missing");
  for (const { sequence, replaces } of segments) {
    if (next !== undefined && replaces !== next) throw missing(next);
    next = sequence + 1;
  }
  if (unbegun !== undefined && next !== undefined && unbegun !== next) throw missing(next);
};

/** Throws unless what is wrong can be the torn end of what was being written. */
const expectTorn = (file: SegmentFile, { end, fault }: SegmentWalk, isLast: boolean): void => {
  if (!isLast) throw new DamageError(file.path, end, fault);
  expectNoProof(file, end, fault);
};

const expectNoProof = (file: SegmentFile, end: number, fault: string): void => {
  const proof = file.proofOfDamage(end);
  if (proof === undefined) return;
  throw new DamageError(file.path, end, `${fault}, and a commit at byte ${proof} says that it was on disk`);
};

/** Undefined: nothing was being written there. Behind the zeros of such an end may be what an earlier use has left. */
const cutOf = (file: SegmentFile, end: number): Cut | undefined => {
  const bytes = file.isEmptyAt(end) ? 0 : file.bytesBehind(end);
  return bytes === 0 ? undefined : { file: file.path, offset: end, bytes };
};

/** Makes the last segment durable, and ends it if it was torn. */
const seal = (
  { disk, checksum }: RecoveryOptions,
  { path, sequence }: Known,
  { end, isSealed, durable }: SegmentWalk,
): void => {
  const file = disk.open(path, "write");
  try {
    rewrite(file, durable, end);
    if (!isSealed) file.truncate(end);
    // Whole records may have come from memory that was not on disk when the broker ended.
    file.sync();
    if (isSealed) return;
    // Behind that sync: the COMMIT in it says that all before it is on disk.
    const ending = endingAt(checksum, sequence, end);
    writeFully(file, ending, 0, ending.length, end);
    file.sync();
  } finally {
    file.close();
  }
};

/**
 * Writes the bytes [start, end) of a file where they are. After a sync that failed they may be in memory alone and not
 * known to be: then no sync would write them, unless they are written anew.
 */
const rewrite = (file: DiskFile, start: number, end: number): void => {
  const bytes = new Uint8Array(Math.min(end - start, REWRITE_BYTES));
  for (let at = start; at < end; at += bytes.length) {
    const length = readFully(file, bytes, Math.min(bytes.length, end - at), at);
    writeFully(file, bytes, 0, length, at);
  }
};

/** COMMIT and SEAL: what breaks before them later is found to be damage, even if it is the SEAL as well that breaks. */
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
