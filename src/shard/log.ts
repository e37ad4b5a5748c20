/**
 * The log of a shard: records one after another, in pages of memory. Extents point into it, deliveries are copied out of
 * it, and a journal writes its bytes to disk as they are.
 *
 * Records go to one of three tracks. What is to survive goes to the journal's: its pages make up segments, `position`
 * counts its bytes, and once the journal has written a page it may leave memory and be read back. The volatile track has
 * the messages that are in memory alone: all of them when there is no journal. What is left in a sparse volatile page is
 * moved to the shelter (see compaction.ts).
 *
 * A page counts the messages (once for each queue) that still need it, and its memory is used again when it is full and
 * nobody does.
 */
import { NO_BYTES, Page } from "./page.js";
import * as record from "./record.js";
import { type Segment, Segments } from "./segment.js";

/**
 * Small enough that the pages of a steady flow stay in the processor's cache and that a few old messages hold on to
 * little; large enough that a 64 KiB batch seldom meets an end.
 */
export const PAGE_BYTES = 4 * 1024 * 1024;

/** Free pages kept for reuse: they save the kernel's work of finding and clearing memory. */
const SPARE_PAGES = 32;

const NONE = -1;

const Track = { JOURNAL: 0, VOLATILE: 1, SHELTER: 2 } as const;
type Track = (typeof Track)[keyof typeof Track];

/** Reads back pages that have left memory. */
export interface PageSource {
  /** Fills `into` with `length` bytes from `offset` of a segment. Throws when it cannot. */
  read(sequence: number, offset: number, into: Uint8Array, length: number): void;
}

export interface LogOptions {
  /** Default `PAGE_BYTES`. */
  readonly pageBytes?: number | undefined;
  /** Undefined: there is no journal. */
  readonly segmentBytes?: number | undefined;
  readonly shard?: number | undefined;
  readonly shards?: number | undefined;
}

/** The number of a queue that a batch goes to. */
interface Numbered {
  readonly number: number;
}

export class Log {
  readonly pageBytes: number;
  /** By page number; numbers are used again. */
  readonly pages: (Page | undefined)[] = [];
  readonly segments = new Segments();
  /** Journalled pages with bytes that are not in their file yet, in order; those that are open. */
  unwritten: Page[] = [];
  /** Memory of all pages that are loaded. */
  bytes = 0;
  /** Bytes ever appended for the journal, and up to where they are as durable as was demanded. */
  position = 0;
  durable = 0;
  /** The highest `Durability` that was asked for since the last commit; 0: none. */
  demand = 0;
  /** Where the last record was put: its page, its offset, and that of the entries behind the header. */
  page = 0;
  recordOffset = 0;
  entriesOffset = 0;
  /** How many pages have been begun: when it moves, it is time to look for sparse ones. */
  rolls = 0;
  /** How often a page was read back. */
  loads = 0;
  source: PageSource | undefined;
  /** Called at the head of a new segment, to append what must be known without all segments before. */
  onSegment: (now: number) => void = () => undefined;
  /** Bytes by which memory is over its budget, or under it if negative. */
  pressure: () => number = () => Number.NEGATIVE_INFINITY;
  /** The present, for the heads of segments. */
  now = 0;
  readonly #segmentBytes: number;
  readonly #shard: number;
  readonly #shards: number;
  readonly #open: [number, number, number] = [NONE, NONE, NONE];
  /** The head of a segment is being written: it does not end here, however long that is. */
  #isHeading = false;
  readonly #freeNumbers: number[] = [];
  readonly #spare: Uint8Array[] = [];

  constructor({ pageBytes = PAGE_BYTES, segmentBytes = 0, shard = 0, shards = 1 }: LogOptions = {}) {
    this.pageBytes = pageBytes;
    this.#segmentBytes = segmentBytes;
    this.#shard = shard;
    this.#shards = shards;
  }

  get isJournalled(): boolean {
    return this.#segmentBytes > 0;
  }

  /** Bytes that a batch for `queues` queues would add to `bytes`. */
  growth(names: number, queues: number, entriesLength: number, isJournalled: boolean): number {
    const length = record.NAMES + names + (isJournalled ? queues * record.QUEUE_BYTES : 0) + entriesLength;
    const page = this.pages[this.#open[isJournalled ? Track.JOURNAL : Track.VOLATILE]];
    const size = record.align(length);
    if (page !== undefined && this.#fits(page, size)) return 0;
    return Math.max(size + (isJournalled ? record.SEAL_BYTES : 0), this.pageBytes);
  }

  /**
   * Appends a batch. Answers its page, and leaves the place in `page`, `recordOffset`, `entriesOffset`. Whoever needs
   * the messages says so with `claim`.
   */
  append(
    topic: Uint8Array,
    key: Uint8Array,
    queues: readonly Numbered[],
    count: number,
    idHigh: number,
    idLow: number,
    due: number,
    expiry: number,
    source: Uint8Array,
    start: number,
    end: number,
    isJournalled: boolean,
  ): Page {
    const named = isJournalled ? queues.length : 0;
    const names = record.NAMES + topic.length + key.length;
    const entries = names + named * record.QUEUE_BYTES;
    const page = this.#reserve(isJournalled ? Track.JOURNAL : Track.VOLATILE, entries + end - start);
    const at = this.recordOffset;
    const { view, bytes } = page;
    view.setUint32(at + record.TYPE, (record.RecordType.PUBLISH << 24) | (topic.length << 16) | (key.length << 8));
    view.setUint32(at + record.COUNT, (count << 16) | named);
    view.setUint32(at + record.FIRST_ID_HIGH, idHigh);
    view.setUint32(at + record.FIRST_ID_LOW, idLow);
    view.setFloat64(at + record.DUE, due);
    view.setFloat64(at + record.EXPIRY, expiry);
    copyName(topic, bytes, at + record.NAMES);
    copyName(key, bytes, at + record.NAMES + topic.length);
    for (let i = 0; i < named; i++) {
      view.setUint32(at + names + i * record.QUEUE_BYTES, (queues[i] as Numbered).number);
    }
    bytes.set(source.subarray(start, end), at + entries);
    this.entriesOffset = at + entries;
    if (page.segment !== undefined) page.segment.messageBytes += page.used - at;
    return page;
  }

  /**
   * Makes room for a record of the journal and writes its length. Answers its page; `recordOffset` is where it begins.
   * The rest is for the caller to write, every byte of it but the checksum.
   */
  reserve(length: number): Page {
    return this.#reserve(Track.JOURNAL, length);
  }

  /** Makes the last record of the journal, which ends at `end` of its page, longer. False: there is no room. */
  extend(page: Page, at: number, length: number, more: number): boolean {
    const grown = record.align(length + more) - record.align(length);
    if (!this.#fits(page, grown)) return false;
    page.view.setUint32(at + record.LENGTH, length + more);
    this.#advance(page, grown);
    return true;
  }

  /** Ends what is written at once. `synced`: the position up to which everything is known to be on disk. */
  commitMark(synced: number): void {
    const page = this.#reserve(Track.JOURNAL, record.COMMIT_BYTES);
    const at = this.recordOffset;
    page.view.setUint32(at + record.TYPE, record.RecordType.COMMIT << 24);
    page.view.setUint32(at + record.TYPE + 4, 0);
    page.view.setFloat64(at + record.DURABLE, Math.max(0, synced - (this.segments.last?.base ?? 0)));
  }

  /** Ends the open segment; the next record begins another. */
  seal(): void {
    const segment = this.segments.last;
    const page = this.pages[this.#open[Track.JOURNAL]];
    if (segment === undefined || page === undefined || segment.isSealed) return;
    this.#open[Track.JOURNAL] = NONE;
    // There is always room: see #fits.
    const at = page.used;
    page.view.setUint32(at + record.LENGTH, record.SEAL_BYTES);
    page.view.setUint32(at + record.CHECKSUM, 0);
    page.view.setUint32(at + record.TYPE, record.RecordType.SEAL << 24);
    page.view.setUint32(at + record.TYPE + 4, 0);
    this.#advance(page, record.SEAL_BYTES);
    segment.isSealed = true;
  }

  /** Everything up to `position` is as durable as was demanded. */
  settled(position: number): void {
    this.durable = position;
    if (position === this.position) this.demand = 0;
    const { unwritten } = this;
    this.unwritten = [];
    for (const page of unwritten) {
      const isOpen = this.pages[this.#open[Track.JOURNAL]] === page;
      if (isOpen || page.written < page.used) this.unwritten.push(page);
      else if (page.live === 0 && this.pages[page.number] === page) this.#drop(page);
    }
  }

  /** Memory for a page that is to be read back. */
  borrow(length: number): Uint8Array {
    return (
      (length <= this.pageBytes ? this.#spare.pop() : undefined) ?? new Uint8Array(Math.max(length, this.pageBytes))
    );
  }

  /** Memory that `borrow` gave and nobody needs. */
  giveBack(bytes: Uint8Array): void {
    if (bytes.length === this.pageBytes && this.#spare.length < SPARE_PAGES) this.#spare.push(bytes);
  }

  /**
   * A page of a segment that was read back into borrowed memory; its number is left in `page`. It stays until
   * `finishPage`, whatever becomes of its messages.
   */
  adoptPage(segment: Segment, offset: number, bytes: Uint8Array, used: number): Page {
    const page = new Page(bytes, segment, offset);
    page.used = used;
    segment.used = Math.max(segment.used, offset + used);
    this.#add(page);
    return page;
  }

  /** A page of a segment on disk that is not in memory. As `adoptPage`. */
  adoptUnloaded(segment: Segment, offset: number, used: number): Page {
    return this.adoptPage(segment, offset, NO_BYTES, used);
  }

  /** A page that was read back counts as written from now on: it is gone if nobody wants its messages. */
  finishPage(page: Page): void {
    page.written = page.used;
    if (page.live === 0) this.#drop(page);
  }

  /**
   * Copies the header of a record and some of its entries to where they are safe from a sparse page's end. Leaves the
   * place in `page`, `recordOffset`, `entriesOffset`.
   */
  shelter(from: Page, recordOffset: number, start: number, end: number): Page {
    const names =
      from.view.getUint8(recordOffset + record.TOPIC_LENGTH) + from.view.getUint8(recordOffset + record.KEY_LENGTH);
    const header = record.NAMES + names;
    const page = this.#reserve(Track.SHELTER, header + end - start);
    const at = this.recordOffset;
    page.bytes.set(from.bytes.subarray(recordOffset, recordOffset + header), at);
    page.view.setUint32(at + record.LENGTH, header + end - start);
    page.view.setUint16(at + record.QUEUES, 0);
    page.bytes.set(from.bytes.subarray(start, end), at + header);
    this.entriesOffset = at + header;
    return page;
  }

  /** Whether records are still being added to a page. */
  isOpen(number: number): boolean {
    return number !== NONE && this.#open.includes(number);
  }

  /** A page that is known to exist, in memory. Reading it back may take another one out of memory. */
  at(number: number): Page {
    const page = this.pages[number];
    if (page === undefined) throw new Error(`log: page ${number} is gone`);
    page.isTouched = true;
    if (!page.isLoaded) this.#load(page);
    return page;
  }

  /** Whether the messages of a page survive the process. */
  isKept(number: number): boolean {
    return this.pages[number]?.segment !== undefined;
  }

  /** `count` messages need a page. */
  claim(number: number, count: number): void {
    const page = this.#known(number);
    page.live += count;
    page.total += count;
    if (page.segment === undefined) return;
    page.segment.live += count;
    page.segment.total += count;
  }

  /** `count` messages no longer need a page. */
  release(number: number, count: number): void {
    const page = this.#known(number);
    page.live -= count;
    if (page.segment !== undefined) page.segment.live -= count;
    if (page.live < 0) throw new Error(`log: page ${number} was released too often`);
    if (page.live === 0 && !this.isOpen(number) && (page.segment === undefined || page.written === page.used)) {
      this.#drop(page);
    }
  }

  /** Takes pages that are on disk out of memory until `excess` bytes are free or none is left. `keep` stays. */
  evict(excess: number, keep?: Page): void {
    let left = excess;
    // The newest are needed last; those that were looked into lately have a second chance.
    for (let pass = 0; pass < 2 && left > 0; pass++) {
      for (let number = this.pages.length - 1; number >= 0 && left > 0; number--) {
        const page = this.pages[number];
        if (page === undefined || page === keep || !page.isLoaded || !this.#canLeave(page)) continue;
        if (page.isTouched && pass === 0) {
          page.isTouched = false;
          continue;
        }
        const bytes = page.unload();
        this.bytes -= bytes.length;
        left -= bytes.length;
        this.giveBack(bytes);
      }
    }
  }

  #canLeave(page: Page): boolean {
    return page.segment !== undefined && page.written === page.used && !this.isOpen(page.number);
  }

  #known(number: number): Page {
    const page = this.pages[number];
    if (page === undefined) throw new Error(`log: page ${number} is gone`);
    return page;
  }

  #load(page: Page): void {
    const { segment } = page;
    const { source } = this;
    if (segment === undefined || source === undefined) throw new Error("log: a page is neither in memory nor on disk");
    const bytes = this.borrow(page.used);
    source.read(segment.sequence, page.offset, bytes, page.used);
    page.load(bytes);
    this.bytes += bytes.length;
    this.loads++;
    const over = this.pressure();
    if (over > 0) this.evict(over, page);
  }

  /** Room is always kept for the SEAL of a segment. */
  #fits(page: Page, size: number): boolean {
    return page.used + size <= page.bytes.length - (page.segment === undefined ? 0 : record.SEAL_BYTES);
  }

  #reserve(track: Track, length: number): Page {
    const size = record.align(length);
    let page = this.pages[this.#open[track]];
    while (page === undefined || !this.#fits(page, size) || this.#isFull(track, size)) {
      page = this.#begin(track, size);
    }
    this.page = this.#open[track];
    const at = page.used;
    this.recordOffset = at;
    page.view.setUint32(at + record.LENGTH, length);
    page.view.setUint32(at + record.CHECKSUM, 0);
    // The bytes up to the next record are on disk as well.
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

  /** Whether a record needs another segment: a segment has at least one record behind its head, whatever its length. */
  #isFull(track: Track, size: number): boolean {
    if (track !== Track.JOURNAL || this.#isHeading) return false;
    const segment = this.segments.last;
    if (segment === undefined || segment.isSealed) return true;
    // A directory that takes most of a segment would be written over and over: it may take half at the most.
    const most = Math.max(this.#segmentBytes, 2 * (segment.begun - segment.base));
    return segment.used + size + record.SEAL_BYTES > most && segment.base + segment.used > segment.begun;
  }

  /** Begins a page, and a segment when it is time; what was open on the track is full. */
  #begin(track: Track, size: number): Page | undefined {
    if (this.#isFull(track, size)) {
      this.#beginSegment();
      return this.pages[this.#open[track]];
    }
    const segment = track === Track.JOURNAL ? this.segments.last : undefined;
    const page = this.#makePage(segment, size + (segment === undefined ? 0 : record.SEAL_BYTES));
    this.#close(track);
    this.#open[track] = this.page;
    if (segment !== undefined) this.unwritten.push(page);
    this.rolls++;
    return page;
  }

  /** The page that was open on a track is so no more. */
  #close(track: Track): void {
    const number = this.#open[track];
    const page = this.pages[number];
    this.#open[track] = NONE;
    if (page !== undefined && page.live === 0 && page.segment === undefined) this.#drop(page);
  }

  #makePage(segment: Segment | undefined, least: number): Page {
    const bytes = this.borrow(least);
    const page = new Page(bytes, segment, segment?.used ?? 0);
    this.#add(page);
    return page;
  }

  #add(page: Page): void {
    this.page = this.#freeNumbers.pop() ?? this.pages.length;
    this.pages[this.page] = page;
    page.number = this.page;
    this.bytes += page.bytes.length;
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
    this.onSegment(this.now);
    segment.begun = this.position;
    segment.hasDirectory = true;
    this.#isHeading = false;
  }

  #drop(page: Page): void {
    this.pages[page.number] = undefined;
    this.#freeNumbers.push(page.number);
    if (!page.isLoaded) return;
    const bytes = page.unload();
    this.bytes -= bytes.length;
    this.giveBack(bytes);
  }
}

/** Names are short: a loop is done before a call of `set` has begun. */
const copyName = (name: Uint8Array, to: Uint8Array, at: number): void => {
  for (let i = 0; i < name.length; i++) to[at + i] = name[i] ?? 0;
};
