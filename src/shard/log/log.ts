/**
 * The log of a shard: records one after another, in pages of memory. Extents point into it, deliveries are copied out
 * of it, and a journal writes its bytes to disk as they are.
 *
 * Records go to one of three tracks:
 *
 * - The journal's track has what must survive. Its pages make up segments, `position` counts its bytes, and once the
 *   journal has written a page, the page may leave memory and be read back.
 * - The volatile track has messages that are in memory alone: all of them when there is no journal.
 * - What is left in sparse volatile pages is evacuated to the third (memory-compaction.ts).
 *
 * A page counts the messages (once for each queue) that still need it. When it is full and nobody does, its memory is
 * used again.
 */
import type { Page } from "./page.js";
import { Pages } from "./pages.js";
import * as record from "./record.js";
import { Segments } from "./segment.js";

/**
 * Small enough that the pages of a steady flow stay in the processor's cache and that a few old messages hold on to
 * little; large enough that a 64 KiB batch seldom meets an end.
 */
export const PAGE_BYTES = 4 * 1024 * 1024;

const Track = { JOURNAL: 0, VOLATILE: 1, EVACUATED: 2 } as const;
type Track = (typeof Track)[keyof typeof Track];

export interface LogOptions {
  /** Default `PAGE_BYTES`. */
  readonly pageBytes?: number | undefined;
  /** Memory budget of the shard. Default: no limit. */
  readonly memoryBytes?: number | undefined;
  /** Memory for pages that are on disk as well. Default `PAGE_CACHE_BYTES`. */
  readonly pageCacheBytes?: number | undefined;
  /** Undefined: there is no journal. */
  readonly segmentBytes?: number | undefined;
  readonly shard?: number | undefined;
  readonly shards?: number | undefined;
}

/** A queue that a batch goes to. */
interface Numbered {
  readonly number: number;
}

/** A published batch, to be appended as a PUBLISH record. Its owner uses one object for all batches. */
export interface Batch {
  topic: Uint8Array;
  routeKey: Uint8Array;
  queues: readonly Numbered[];
  /** Messages in it. */
  count: number;
  idHigh: number;
  idLow: number;
  /** `BatchKind`. */
  kind: number;
  /** Who has numbered its messages, and the number of the first one: of a NUMBERED batch. */
  producer: Uint8Array;
  sequence: number;
  /** Of a KEYED batch, its keys: [keysStart, keysEnd) of `bytes`, and until when they are known; 0: until their messages are done. */
  keysStart: number;
  keysEnd: number;
  keyUntil: number;
  /** When it is due and when its time to live ends, milliseconds since 1970; 0: none. Of a channel: `POSITION_BASE`. */
  due: number;
  expiry: number;
  /** The entries: [start, end) of `bytes`. */
  bytes: Uint8Array;
  start: number;
  end: number;
  isJournalled: boolean;
}

export class Log {
  readonly pages: Pages;
  readonly segments = new Segments();
  /** Pages of the journal that are open or have bytes that are not in their file yet, in order. */
  unwritten: Page[] = [];
  /** Bytes ever appended to the journal, and how many of them are as durable as was asked for. */
  position = 0;
  durable = 0;
  /** The journal cannot write at present: what is appended waits, perhaps for long. */
  isStalled = false;
  /** The highest `Durability` that was asked for since the last commit; 0: none. */
  demand = 0;
  /** The place of the last record: its page, its offset, and the offset of its entries. */
  page = 0;
  recordOffset = 0;
  entriesOffset = 0;
  /** Counts pages; memory compaction looks for sparse ones when it moves. */
  pagesBegun = 0;
  /**
   * Called at the head of a new segment, to append what a reader must know without the segments before. False: more of
   * it follows later.
   */
  onSegment: (now: number) => boolean = () => true;
  /** The directory of the open segment is not complete: the segment does not end before it is. */
  isDirectoryPending = false;
  /** The time, for the heads of segments. */
  now = 0;
  readonly #segmentBytes: number;
  readonly #shard: number;
  readonly #shards: number;
  readonly #open: [Page | undefined, Page | undefined, Page | undefined] = [undefined, undefined, undefined];
  /** `pagesBegun` when the page cache was last trimmed. */
  #trimmedAt = 0;
  /** The head of a segment is being written: the segment does not end within it. */
  #isHeading = false;

  constructor({
    pageBytes = PAGE_BYTES,
    memoryBytes,
    pageCacheBytes,
    segmentBytes = 0,
    shard = 0,
    shards = 1,
  }: LogOptions = {}) {
    // A page never spans two segments: the rest of a larger one would be unused.
    this.pages = new Pages(
      segmentBytes > 0 ? Math.min(pageBytes, segmentBytes) : pageBytes,
      memoryBytes,
      pageCacheBytes,
    );
    this.#segmentBytes = segmentBytes;
    this.#shard = shard;
    this.#shards = shards;
  }

  get isJournalled(): boolean {
    return this.#segmentBytes > 0;
  }

  /**
   * Memory that a batch for `queues` queues needs beyond what is allocated; `names` has the bytes of all its names. On the
   * journal's track a full page makes room for the next one, because it may leave memory as soon as it is written.
   */
  growth(names: number, queues: number, entriesLength: number, isJournalled: boolean): number {
    const about = isJournalled ? queues * record.QUEUE_BYTES + record.NUMBERED_PRODUCER : 0;
    const length = record.NAMES + names + about + entriesLength;
    const page = this.#open[isJournalled ? Track.JOURNAL : Track.VOLATILE];
    const size = record.align(length);
    if (page !== undefined && this.#fits(page, size)) return 0;
    const needed = Math.max(size + (isJournalled ? record.SEAL_BYTES : 0), this.pages.pageBytes);
    return isJournalled ? Math.max(0, needed - (page?.bytes.length ?? 0)) : needed;
  }

  /**
   * Appends a batch. Answers its page, and leaves the place in `page`, `recordOffset`, `entriesOffset`. The caller then
   * claims the messages of the page that queues need.
   */
  append(batch: Batch): Page {
    const { topic, routeKey, queues, count, idHigh, idLow, start, end, isJournalled } = batch;
    const named = isJournalled ? queues.length : 0;
    const names = record.NAMES + topic.length + routeKey.length;
    const numbers = names + named * record.QUEUE_BYTES;
    // Who has numbered it, and its keys, matter to whoever reads it back.
    const kind = isJournalled ? batch.kind : record.BatchKind.TOPIC;
    const isNumbered = (kind & record.BatchKind.NUMBERED) !== 0;
    const isKeyed = (kind & record.BatchKind.KEYED) !== 0;
    const keys = numbers + (isNumbered ? record.NUMBERED_PRODUCER + batch.producer.length : 0);
    const entries = keys + (isKeyed ? record.KEYED_KEYS + batch.keysEnd - batch.keysStart : 0);
    const page = this.#reserve(isJournalled ? Track.JOURNAL : Track.VOLATILE, entries + end - start);
    const at = this.recordOffset;
    const { view, bytes } = page;
    view.setUint32(
      at + record.TYPE,
      (record.RecordType.PUBLISH << 24) | (topic.length << 16) | (routeKey.length << 8) | kind,
    );
    view.setUint32(at + record.COUNT, (count << 16) | named);
    view.setUint32(at + record.FIRST_ID_HIGH, idHigh);
    view.setUint32(at + record.FIRST_ID_LOW, idLow);
    view.setFloat64(at + record.DUE, batch.due);
    view.setFloat64(at + record.EXPIRY, batch.expiry);
    copyName(topic, bytes, at + record.NAMES);
    copyName(routeKey, bytes, at + record.NAMES + topic.length);
    for (let i = 0; i < named; i++) {
      view.setUint32(at + names + i * record.QUEUE_BYTES, (queues[i] as Numbered).number);
    }
    if (isNumbered) {
      view.setFloat64(at + numbers + record.NUMBERED_SEQUENCE, batch.sequence);
      bytes[at + numbers + record.NUMBERED_LENGTH] = batch.producer.length;
      copyName(batch.producer, bytes, at + numbers + record.NUMBERED_PRODUCER);
    }
    if (isKeyed) {
      view.setFloat64(at + keys + record.KEYED_UNTIL, batch.keyUntil);
      view.setUint32(at + keys + record.KEYED_BYTES, batch.keysEnd - batch.keysStart);
      bytes.set(batch.bytes.subarray(batch.keysStart, batch.keysEnd), at + keys + record.KEYED_KEYS);
    }
    bytes.set(batch.bytes.subarray(start, end), at + entries);
    this.entriesOffset = at + entries;
    page.segment?.includeIds(idHigh, idLow, count);
    return page;
  }

  /**
   * Makes room for a record of the journal and writes its length. Answers its page; it begins at `recordOffset`. The
   * caller writes the rest, every byte but the checksum.
   */
  reserve(length: number): Page {
    return this.#reserve(Track.JOURNAL, length);
  }

  /** Makes the last record of the journal, at `at` of its page, `more` bytes longer. False: there is no room. */
  extend(page: Page, at: number, length: number, more: number): boolean {
    const grown = record.align(length + more) - record.align(length);
    if (!this.#fits(page, grown)) return false;
    page.view.setUint32(at + record.LENGTH, length + more);
    this.#advance(page, grown);
    return true;
  }

  /** Appends a COMMIT. `synced`: the position up to which everything is known to be on disk. */
  commitMark(synced: number): void {
    const page = this.#reserve(Track.JOURNAL, record.COMMIT_BYTES);
    const at = this.recordOffset;
    page.view.setUint32(at + record.TYPE, record.RecordType.COMMIT << 24);
    page.view.setUint32(at + record.TYPE + 4, 0);
    page.view.setFloat64(at + record.DURABLE, Math.max(0, synced - (this.segments.last?.base ?? 0)));
  }

  /** Ends the open segment; the next record begins another one. */
  seal(): void {
    const segment = this.segments.last;
    const page = this.#open[Track.JOURNAL];
    if (segment === undefined || page === undefined || segment.isSealed) return;
    // There is always room: see #fits.
    const at = page.used;
    page.view.setUint32(at + record.LENGTH, record.SEAL_BYTES);
    page.view.setUint32(at + record.CHECKSUM, 0);
    page.view.setUint32(at + record.TYPE, record.RecordType.SEAL << 24);
    page.view.setUint32(at + record.TYPE + 4, 0);
    this.#advance(page, record.SEAL_BYTES);
    segment.isSealed = true;
    this.#close(Track.JOURNAL);
  }

  /** Everything up to `position` is as durable as was asked for. */
  markDurable(position: number): void {
    this.durable = position;
    if (position === this.position) this.demand = 0;
    const { unwritten } = this;
    this.unwritten = [];
    for (const page of unwritten) {
      if (page.isOpen || !page.isWritten) this.unwritten.push(page);
      else this.pages.dropIfDead(page);
    }
    // A page has been begun, so another one is full, and written by now: it may leave.
    if (this.#trimmedAt !== this.pagesBegun) this.pages.trimCache();
    this.#trimmedAt = this.pagesBegun;
  }

  /**
   * Copies the header of a record and some of its entries out of a sparse page. Leaves the place in `page`,
   * `recordOffset`, `entriesOffset`.
   */
  evacuate(from: Page, recordOffset: number, start: number, end: number): Page {
    const names =
      from.view.getUint8(recordOffset + record.TOPIC_LENGTH) + from.view.getUint8(recordOffset + record.KEY_LENGTH);
    const header = record.NAMES + names;
    const page = this.#reserve(Track.EVACUATED, header + end - start);
    const at = this.recordOffset;
    page.bytes.set(from.bytes.subarray(recordOffset, recordOffset + header), at);
    page.view.setUint32(at + record.LENGTH, header + end - start);
    page.view.setUint16(at + record.QUEUES, 0);
    page.bytes.set(from.bytes.subarray(start, end), at + header);
    this.entriesOffset = at + header;
    return page;
  }

  /** Whether a record fits into a page. Room for the SEAL of a segment is always kept. */
  #fits(page: Page, size: number): boolean {
    return page.used + size <= page.bytes.length - (page.segment === undefined ? 0 : record.SEAL_BYTES);
  }

  #reserve(track: Track, length: number): Page {
    const size = record.align(length);
    let page = this.#open[track];
    while (page === undefined || !this.#fits(page, size) || this.#isFull(track, size)) {
      page = this.#begin(track, size);
    }
    this.page = page.number;
    const at = page.used;
    this.recordOffset = at;
    page.view.setUint32(at + record.LENGTH, length);
    page.view.setUint32(at + record.CHECKSUM, 0);
    // The padding is written to disk as well.
    for (let end = at + length; end < at + size; end++) page.bytes[end] = 0;
    this.#advance(page, size);
    return page;
  }

  #advance(page: Page, size: number): void {
    page.used += size;
    if (page.segment === undefined) return;
    page.segment.used += size;
    this.position += size;
  }

  /** Whether a record needs a new segment. A segment has at least one record behind its head, however long. */
  #isFull(track: Track, size: number): boolean {
    if (track !== Track.JOURNAL || this.#isHeading) return false;
    const segment = this.segments.last;
    if (segment === undefined || segment.isSealed) return true;
    if (this.isDirectoryPending) return false;
    // With a large directory segments grow: it is at most half of one, or most writing would be directories.
    const max = Math.max(this.#segmentBytes, 2 * segment.directoryBytes);
    return segment.used + size + record.SEAL_BYTES > max && segment.base + segment.used > segment.headEnd;
  }

  /** Begins a page, and a segment when it is time. The open page of the track is full. */
  #begin(track: Track, size: number): Page | undefined {
    if (this.#isFull(track, size)) {
      this.#beginSegment();
      return this.#open[track];
    }
    const segment = track === Track.JOURNAL ? this.segments.last : undefined;
    const bytes = this.pages.borrow(size + (segment === undefined ? 0 : record.SEAL_BYTES));
    const page = this.pages.add(bytes, segment, segment?.used ?? 0);
    this.#close(track);
    this.#open[track] = page;
    page.isOpen = true;
    if (segment !== undefined) this.unwritten.push(page);
    this.pagesBegun++;
    return page;
  }

  /** Closes the open page of a track: no record is added to it any more. */
  #close(track: Track): void {
    const page = this.#open[track];
    this.#open[track] = undefined;
    if (page === undefined) return;
    page.isOpen = false;
    this.pages.dropIfDead(page);
  }

  #beginSegment(): void {
    this.seal();
    const segment = this.segments.begin(this.position);
    this.#isHeading = true;
    const { view } = this.#reserve(Track.JOURNAL, record.SEGMENT_BYTES);
    const at = this.recordOffset;
    view.setUint32(at + record.TYPE, (record.RecordType.SEGMENT << 24) | (record.FORMAT_VERSION << 16));
    view.setUint32(at + record.SEGMENT_MAGIC, record.MAGIC);
    view.setUint32(at + record.SEQUENCE, segment.sequence);
    view.setUint32(at + record.REPLACES, segment.replaces);
    view.setFloat64(at + record.CREATED, this.now);
    view.setUint16(at + record.SHARD, this.#shard);
    view.setUint16(at + record.SHARDS, this.#shards);
    view.setUint32(at + record.SHARDS + 2, 0);
    this.isDirectoryPending = false;
    segment.hasDirectory = this.onSegment(this.now);
    segment.headEnd = this.position;
    this.#isHeading = false;
  }
}

/** A loop: for short names it is faster than a call of `set`. */
const copyName = (name: Uint8Array, to: Uint8Array, at: number): void => {
  for (let i = 0; i < name.length; i++) to[at + i] = name[i] ?? 0;
};
