/**
 * The log of a shard: batches one after another in pages of memory. The extents point into it, deliveries are copied
 * out of it, and a journal writes its bytes as they are: `position` counts what has been appended.
 *
 * A page counts the messages (once for each queue) that still need it and is reused when it is full and nobody does.
 * What is left in a sparse page is moved to pages of its own (see compaction.ts), which `position` leaves out.
 */
import * as record from "./record.js";

/**
 * Small enough that the pages of a steady flow stay in the processor's cache and that a few old messages hold on to
 * little; large enough that a 64 KiB batch seldom meets an end.
 */
export const PAGE_BYTES = 4 * 1024 * 1024;

/** Free pages kept for reuse: they save the kernel's work of finding and clearing pages. */
const SPARE_PAGES = 32;

const NONE = -1;

export class Page {
  readonly view: DataView;
  /** Where the next record goes. */
  used = 0;
  /** Messages that are still in some queue, once for each. */
  live = 0;
  /** Messages that have ever been put in, counted alike. */
  total = 0;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

export class Log {
  /** By page number; numbers are used again. */
  readonly pages: (Page | undefined)[] = [];
  /** Bytes of all pages that hold messages or wait for the next. */
  bytes = 0;
  /** Bytes ever appended. */
  position = 0;
  /** Where the last `append` or `shelter` put its record and the entries behind the header. */
  page = 0;
  recordOffset = 0;
  entriesOffset = 0;
  /** How many pages have been begun: when it moves, it is time to look for sparse ones. */
  rolls = 0;
  #current = NONE;
  /** Where moved messages go. */
  #shelter = NONE;
  readonly #freeNumbers: number[] = [];
  readonly #spare: Page[] = [];

  constructor(readonly pageBytes = PAGE_BYTES) {}

  /** Bytes that a batch would add to `bytes`. */
  growth(topicLength: number, keyLength: number, entriesLength: number): number {
    const length = record.NAMES + topicLength + keyLength + entriesLength;
    const current = this.pages[this.#current];
    if (current !== undefined && current.used + length <= current.bytes.length) return 0;
    return Math.max(length, this.pageBytes);
  }

  /** Appends a batch. Answers its page, and leaves the place in `page`, `recordOffset`, `entriesOffset`. */
  append(
    topic: Uint8Array,
    key: Uint8Array,
    count: number,
    idHigh: number,
    idLow: number,
    due: number,
    expiry: number,
    source: Uint8Array,
    start: number,
    end: number,
  ): Page {
    const names = topic.length + key.length;
    const length = record.NAMES + names + end - start;
    let page = this.pages[this.#current];
    if (page === undefined || page.used + length > page.bytes.length) {
      page = this.#begin(length, this.#current);
      this.#current = this.page;
    }
    const at = page.used;
    const { view, bytes } = page;
    view.setUint32(at + record.LENGTH, length);
    view.setUint32(at + record.TYPE, (record.RecordType.PUBLISH << 24) | (topic.length << 16) | (key.length << 8));
    view.setUint32(at + record.COUNT, count);
    view.setUint32(at + record.FIRST_ID_HIGH, idHigh);
    view.setUint32(at + record.FIRST_ID_LOW, idLow);
    view.setFloat64(at + record.DUE, due);
    view.setFloat64(at + record.EXPIRY, expiry);
    copyName(topic, bytes, at + record.NAMES);
    copyName(key, bytes, at + record.NAMES + topic.length);
    const entries = at + record.NAMES + names;
    bytes.set(source.subarray(start, end), entries);
    page.used = at + length;
    this.position += length;
    this.page = this.#current;
    this.recordOffset = at;
    this.entriesOffset = entries;
    return page;
  }

  /**
   * Copies the header of a record and some of its entries to where they are safe from a sparse page's end. Leaves
   * the place in `page`, `recordOffset`, `entriesOffset`.
   */
  shelter(from: Page, recordOffset: number, start: number, end: number): Page {
    const names =
      from.view.getUint8(recordOffset + record.TOPIC_LENGTH) + from.view.getUint8(recordOffset + record.KEY_LENGTH);
    const header = record.NAMES + names;
    const length = header + end - start;
    let page = this.pages[this.#shelter];
    if (page === undefined || page.used + length > page.bytes.length) {
      page = this.#begin(length, this.#shelter);
      this.#shelter = this.page;
    }
    const at = page.used;
    page.bytes.set(from.bytes.subarray(recordOffset, recordOffset + header), at);
    page.bytes.set(from.bytes.subarray(start, end), at + header);
    page.used = at + length;
    this.page = this.#shelter;
    this.recordOffset = at;
    this.entriesOffset = at + header;
    return page;
  }

  /** Whether records are still being added to a page. */
  isOpen(number: number): boolean {
    return number === this.#current || number === this.#shelter;
  }

  /** A page that is known to exist. */
  at(number: number): Page {
    const page = this.pages[number];
    if (page === undefined) throw new Error(`log: page ${number} is gone`);
    return page;
  }

  /** `count` messages no longer need a page. */
  release(number: number, count: number): void {
    const page = this.at(number);
    page.live -= count;
    if (page.live < 0) throw new Error(`log: page ${number} was released too often`);
    if (page.live === 0 && !this.isOpen(number)) this.#drop(number, page);
  }

  /** Ends the page `open` and begins one with room for `length` bytes, whose number is left in `page`. */
  #begin(length: number, open: number): Page {
    const full = this.pages[open];
    if (full !== undefined && full.live === 0) this.#drop(open, full);
    const size = Math.max(length, this.pageBytes);
    const page = (size === this.pageBytes ? this.#spare.pop() : undefined) ?? new Page(new Uint8Array(size));
    this.page = this.#freeNumbers.pop() ?? this.pages.length;
    this.pages[this.page] = page;
    this.bytes += size;
    this.rolls++;
    return page;
  }

  #drop(number: number, page: Page): void {
    this.pages[number] = undefined;
    this.#freeNumbers.push(number);
    this.bytes -= page.bytes.length;
    page.used = 0;
    page.total = 0;
    if (page.bytes.length === this.pageBytes && this.#spare.length < SPARE_PAGES) this.#spare.push(page);
  }
}

/** Names are short: a loop is done before a call of `set` has begun. */
const copyName = (name: Uint8Array, to: Uint8Array, at: number): void => {
  for (let i = 0; i < name.length; i++) to[at + i] = name[i] ?? 0;
};
