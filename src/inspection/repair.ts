/**
 * Repairs a data directory: copies what is whole into a new one that a broker can start from. The original is only
 * read.
 *
 * The whole records of each segment are joined, without the damage between them; missing topics and queues are taken
 * from other segments. A message whose record is damaged is lost; one whose ack is in a damaged record comes back.
 */
import { dirname } from "node:path";
import type { Checksum } from "../journal/checksum.js";
import { DataDirectoryError } from "../journal/damage-error.js";
import type { Disk } from "../journal/disk.js";
import { segmentPath, shardDirectory } from "../journal/layout.js";
import { faultByLedger, type LedgerEntry } from "../journal/ledger.js";
import { beginDataDirectory, expectOutside, finishDataDirectory } from "../journal/new-data-directory.js";
import { RecordWriter } from "../journal/record-writer.js";
import { packHead, unpackHead } from "../protocol/head.js";
import { EPOCH, idTime } from "../protocol/id.js";
import { readText } from "../protocol/text.js";
import * as record from "../shard/log/record.js";
import type { DirectoryEntry } from "../shard/log/recorder.js";
import { type Owner, SalvagedDirectory } from "./salvaged-directory.js";
import { type Gap, type ScannedRecord, scanSegment, viewOf } from "./segment-scan.js";
import { type FoundSegment, type FoundShard, isReplaced, manifestOf, readSegment, shardsOf } from "./shard-files.js";

/** Something that could not be saved. */
export interface Loss {
  readonly file: string;
  readonly offset: number;
  /** Bytes; 0 where nobody knows how many, such as where a whole file is missing. */
  readonly length: number;
  readonly what: string;
}

export interface ShardRepair {
  readonly shard: number;
  readonly records: number;
  readonly messages: number;
  /** Bytes of the new segments. */
  readonly bytes: number;
  readonly losses: readonly Loss[];
  /** Bytes at the end of the last segment that were never confirmed. */
  readonly torn: Loss | undefined;
}

const { RecordType } = record;

/** Bytes to write at a time, about. */
const PAGE_BYTES = 1024 * 1024;

/**
 * Repairs `data` into `out`, which must not exist, nor be inside a data directory. `now`: milliseconds since 1970.
 * `onRead` gets the bytes read since its last call. Throws a `DataDirectoryError` or a disk fault; `out` is then
 * unfinished, and no broker starts from it.
 */
export const repairData = (
  disk: Disk,
  data: string,
  out: string,
  checksum: Checksum,
  now: number,
  onRead: (bytes: number) => void,
): ShardRepair[] => {
  const { shards } = manifestOf(disk, data);
  const found = shardsOf(disk, data, checksum);
  if (exists(disk, out)) throw new DataDirectoryError(`${out} exists: give the name of a new directory`);
  expectOutside(out);
  disk.makeDirectory(out);
  beginDataDirectory(disk, out, shards);
  const job: RepairJob = { disk, checksum, shards, now, onRead };
  const salvages = found.map((shard) => new ShardSalvage(job, shard, shardDirectory(out, 1, shard.shard)));
  const repairs = salvages.map((salvage) => salvage.run());
  finishDataDirectory(
    disk,
    out,
    salvages.map(({ ledger }) => ledger),
  );
  return repairs;
};

const exists = (disk: Disk, path: string): boolean => {
  try {
    disk.list(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    // Such as a file.
    return true;
  }
};

interface RepairJob {
  readonly disk: Disk;
  readonly checksum: Checksum;
  /** Of the data directory. */
  readonly shards: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly onRead: (bytes: number) => void;
}

class ShardSalvage {
  readonly #losses: Loss[] = [];
  readonly #directory = new SalvagedDirectory();
  #torn: Loss | undefined;
  #records = 0;
  #messages = 0;
  #bytes = 0;
  /** The last millisecond (since EPOCH) of which an id may have been handed out. */
  #ceiling = 0;

  /** In their order, whatever their names. Segments of other shards are not among them. */
  readonly #segments: readonly FoundSegment[];
  /** Of the last new segment. */
  #length = 0;

  constructor(
    readonly job: RepairJob,
    readonly found: FoundShard,
    readonly out: string,
  ) {
    this.#segments = found.segments.filter((segment) => isUsed(segment, found));
  }

  /** Of the new directory, after the run. */
  get ledger(): LedgerEntry {
    return { first: 1, last: this.#segments.length, bytes: this.#length };
  }

  run(): ShardRepair {
    const { found, out } = this;
    const { disk } = this.job;
    if (!found.isThere) this.#missing("the directory of this shard is missing");
    if (found.fault !== undefined) {
      const { file, offset, what } = found.fault;
      this.#losses.push({ file, offset, length: 0, what: `${what}: whether segments are missing is not known` });
    }
    for (const sequence of found.missing) this.#missing(`segment ${sequence} is missing`);
    for (const segment of found.segments) {
      if (this.#segments.includes(segment)) continue;
      const what = segment.misplaced?.what ?? "it belongs to another shard";
      this.#losses.push({ file: segment.path, offset: 0, length: segment.size, what });
      this.job.onRead(segment.size);
    }
    for (const [i, segment] of this.#segments.entries()) {
      this.#segment(i, segment);
      this.job.onRead(segment.size);
    }
    disk.syncDirectory(out);
    disk.syncDirectory(dirname(out));
    return {
      shard: found.shard,
      records: this.#records,
      messages: this.#messages,
      bytes: this.#bytes,
      losses: this.#losses,
      torn: this.#torn,
    };
  }

  #missing(what: string): void {
    this.#losses.push({ file: this.found.directory, offset: 0, length: 0, what });
  }

  /** Writes the whole records of a segment to a new one. New segments are numbered from 1. */
  #segment(index: number, segment: FoundSegment): void {
    const { found } = this;
    const { disk, checksum, shards } = this.job;
    const sequence = index + 1;
    const created = typeof segment.head === "string" ? this.job.now : segment.head.created;
    const file = disk.open(segmentPath(this.out, sequence), "create");
    try {
      const head = { sequence, replaces: sequence, created, shard: found.shard, shards };
      const writer = new RecordWriter(file, checksum, head, PAGE_BYTES);
      this.#salvage(writer, index, segment);
      writer.seal();
      this.#bytes += writer.size;
      this.#length = writer.size;
    } finally {
      file.close();
    }
  }

  #salvage(writer: RecordWriter, index: number, segment: FoundSegment): void {
    const { path, sequence } = segment;
    const bytes = readSegment(this.job.disk, segment);
    const view = viewOf(bytes);
    const items = this.#untilTorn(index, segment, view, [...scanSegment(bytes, sequence, this.job.checksum)]);
    let from = 0;
    if (beginsWithDirectory(items, bytes, view)) from = this.#copyDirectory(writer, items, bytes, view);
    else {
      // Its own directory is damaged. It gets what is known, so that the segments before it can be reclaimed one day.
      this.#directory.interrupt();
      for (const entry of this.#directory.entries()) writer.directory(packHead(entry));
    }
    for (const [i, item] of items.entries()) {
      if (item.kind === "gap") {
        this.#losses.push({ file: path, offset: item.offset, length: item.length, what: item.what });
        this.#directory.interrupt();
      } else if (i >= from) this.#copy(writer, index, bytes, view, item);
    }
    this.#notCutShort(index, segment, items);
    const isLast = index === this.#segments.length - 1;
    // A damaged record may have handed out ids, but only before now.
    if (isLast) this.#ceiling = Math.max(this.#ceiling, this.job.now - EPOCH);
    if (isLast && this.#losses.length > 0) {
      for (const entry of this.#directory.renumberings()) writer.directory(packHead(entry));
    }
    writer.ids(this.#ceiling);
  }

  /** Notes what is lost where nothing is left that could be a record: the file was cut, emptied or zeroed. */
  #notCutShort(index: number, { path, sequence }: FoundSegment, items: readonly (ScannedRecord | Gap)[]): void {
    const last = items.at(-1);
    if (last?.kind === "gap" || last?.type === RecordType.SEAL) return;
    const { ledger } = this.found;
    const end = last === undefined ? 0 : last.offset + record.align(last.length);
    const known = ledger === undefined ? undefined : faultByLedger(ledger, sequence, end, "");
    if (ledger !== undefined && known !== undefined) {
      this.#losses.push({ file: path, offset: end, length: ledger.bytes - end, what: known });
    } else if (index < this.#segments.length - 1) {
      this.#losses.push({ file: path, offset: end, length: 0, what: "it ends there, and there are later segments" });
    }
  }

  /** Cuts the last segment where a start would: at a break after which nothing was confirmed. */
  #untilTorn(
    index: number,
    { path, sequence }: FoundSegment,
    view: DataView,
    items: readonly (ScannedRecord | Gap)[],
  ): readonly (ScannedRecord | Gap)[] {
    if (index < this.#segments.length - 1) return items;
    const { ledger } = this.found;
    for (const [i, gap] of items.entries()) {
      if (gap.kind !== "gap") continue;
      if (ledger !== undefined && faultByLedger(ledger, sequence, gap.offset, "") !== undefined) continue;
      if (items.slice(i).some((item) => isProof(item, view, gap.offset))) continue;
      this.#torn = { file: path, offset: gap.offset, length: gap.length, what: gap.what };
      return items.slice(0, i);
    }
    return items;
  }

  /** Copies the directory at the head of a segment. Returns the index of the item after it. */
  #copyDirectory(
    writer: RecordWriter,
    items: readonly (ScannedRecord | Gap)[],
    bytes: Uint8Array,
    view: DataView,
  ): number {
    let i = 1;
    for (; i < items.length; i++) {
      const item = items[i];
      if (item?.kind !== "record" || item.type !== RecordType.DIRECTORY) break;
      const entry = entryAt(bytes, view, item);
      this.#directory.apply(entry);
      copyRecord(writer, bytes, view, item);
      this.#records++;
      if (entry[0] === "complete") return i + 1;
    }
    return i;
  }

  #copy(writer: RecordWriter, index: number, bytes: Uint8Array, view: DataView, item: ScannedRecord): void {
    const { offset, type } = item;
    switch (type) {
      case RecordType.SEGMENT:
      case RecordType.SEAL:
      case RecordType.COMMIT:
        return;
      case RecordType.IDS:
        this.#ceiling = Math.max(this.#ceiling, view.getFloat64(offset + record.CEILING));
        break;
      case RecordType.DIRECTORY: {
        const entry = entryAt(bytes, view, item);
        // Part of a directory that continues after the head or has lost its beginning: the new head has what was known.
        if (entry[0] === "checkpoint" || entry[0] === "complete") return;
        if (this.#directory.lacksTopic(entry)) {
          const later = this.#laterThan(index);
          for (const topic of this.#directory.introduceTopic(entry, this.job.now, later))
            writer.directory(packHead(topic));
        }
        this.#directory.apply(entry);
        break;
      }
      case RecordType.STATE:
        this.#introduce(writer, index, [view.getUint32(offset + record.QUEUE)], undefined, "");
        break;
      default:
        this.#batch(writer, index, bytes, view, item);
    }
    copyRecord(writer, bytes, view, item);
    this.#records++;
  }

  /** PUBLISH or KEEP. */
  #batch(writer: RecordWriter, index: number, bytes: Uint8Array, view: DataView, item: ScannedRecord): void {
    const { offset, type } = item;
    const topicEnd = offset + record.NAMES + view.getUint8(offset + record.TOPIC_LENGTH);
    const names = topicEnd + view.getUint8(offset + record.KEY_LENGTH);
    const size = type === RecordType.KEEP ? record.CLAIM_BYTES : record.QUEUE_BYTES;
    const count = view.getUint16(offset + record.QUEUES);
    const queues = Array.from({ length: count }, (_, i) => view.getUint32(names + i * size));
    const name = readText(bytes, offset + record.NAMES, topicEnd);
    const routeKey = readText(bytes, topicEnd, names);
    const isChannel = view.getUint8(offset + record.KIND) === record.BatchKind.CHANNEL;
    this.#introduce(writer, index, queues, { name, isChannel }, routeKey);
    const high = view.getUint32(offset + record.FIRST_ID_HIGH);
    const low = view.getUint32(offset + record.FIRST_ID_LOW);
    this.#ceiling = Math.max(this.#ceiling, idTime(high, low) - EPOCH);
    this.#messages += view.getUint16(offset + record.COUNT);
  }

  /** Writes the directory entries that a record needs before it. */
  #introduce(
    writer: RecordWriter,
    index: number,
    queues: readonly number[],
    owner: Owner | undefined,
    routeKey: string,
  ): void {
    for (const queue of queues) {
      if (this.#directory.knows(queue, owner)) continue;
      const later = this.#laterThan(index);
      for (const entry of this.#directory.introduce(queue, owner, routeKey, this.job.now, later))
        writer.directory(packHead(entry));
    }
  }

  readonly #later = new Map<number, SalvagedDirectory>();

  /** Directory entries of later records, up to the next whole directory. */
  #laterThan(index: number): SalvagedDirectory {
    const known = this.#later.get(index);
    if (known !== undefined) return known;
    const later = new SalvagedDirectory();
    for (const segment of this.#segments.slice(index)) {
      const bytes = readSegment(this.job.disk, segment);
      const view = viewOf(bytes);
      let isWhole = false;
      for (const item of scanSegment(bytes, segment.sequence, this.job.checksum)) {
        if (item.kind === "gap" || item.type !== RecordType.DIRECTORY) continue;
        const entry = entryAt(bytes, view, item);
        // The first entry wins, because queue numbers are reused later.
        if (DESCRIBING.has(entry[0]) && !later.mentions(entry)) later.apply(entry);
        if (entry[0] === "complete") isWhole = true;
      }
      if (isWhole && segment.sequence !== this.#segments[index]?.sequence) break;
    }
    this.#later.set(index, later);
    return later;
  }
}

/** Whether a segment is of this shard and is needed, whatever its name; not a copy of one that is there as well. */
const isUsed = (segment: FoundSegment, { shard, segments }: FoundShard): boolean => {
  const { head, misplaced, sequence } = segment;
  if (typeof head !== "string" && head.shard !== shard) return false;
  if (misplaced === undefined) return true;
  const same = segments.filter((other) => other.sequence === sequence);
  const best = same.find((other) => other.misplaced === undefined) ?? same[0];
  return segment === best && !isReplaced(segment, segments);
};

/** Entries that say what something is. */
const DESCRIBING: ReadonlySet<string> = new Set(["topic", "queue", "channel"]);

/** Recomputes the checksum, which covers the record's position. */
const copyRecord = (
  writer: RecordWriter,
  bytes: Uint8Array,
  view: DataView,
  { offset, length }: ScannedRecord,
): void => {
  const at = writer.begin(view.getUint8(offset + record.TYPE), length);
  writer.bytes.set(bytes.subarray(offset, offset + length), at);
  writer.end();
};

const entryAt = (bytes: Uint8Array, view: DataView, { offset }: ScannedRecord): DirectoryEntry => {
  const end = offset + view.getUint32(offset + record.LENGTH);
  const [kind, ...rest] = unpackHead(bytes, offset + record.DIRECTORY_BODY, end);
  return [String(kind), ...rest];
};

/** Whether the head of a segment and its directory are whole, without a gap. */
const beginsWithDirectory = (items: readonly (ScannedRecord | Gap)[], bytes: Uint8Array, view: DataView): boolean => {
  if (items[0]?.kind !== "record" || items[0].type !== RecordType.SEGMENT) return false;
  for (const [i, item] of items.entries()) {
    if (i === 0) continue;
    if (item.kind === "gap" || item.type !== RecordType.DIRECTORY) return false;
    const [kind] = entryAt(bytes, view, item);
    if (i === 1 && kind !== "checkpoint") return false;
    if (kind === "complete") return true;
  }
  return false;
};

/** Whether it is a COMMIT written when more than `offset` bytes were on disk. */
const isProof = (item: ScannedRecord | Gap, view: DataView, offset: number): boolean =>
  item.kind === "record" &&
  item.type === RecordType.COMMIT &&
  item.offset > offset &&
  view.getFloat64(item.offset + record.DURABLE) > offset;
