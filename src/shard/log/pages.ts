/**
 * The pages of a log by number: how many messages still need each, which are in memory, and the memory itself, which is
 * reused.
 *
 * A page that the journal has written may leave memory, and is read back when it is looked into. A page that no message
 * needs is dropped, unless records are still added to it or the journal has not written it yet.
 */
import { NO_BYTES, Page } from "./page.js";
import type { Segment } from "./segment.js";

/**
 * Free pages kept for reuse: they save the kernel's work of finding and clearing memory. They come on top of the budget
 * and are at most an eighth of it.
 */
const MAX_SPARE = 32;
const MIN_SPARE = 2;
const SPARE_SHARE = 1 / 8;

/**
 * Memory for pages that are on disk as well: what a backlog has beyond it is read back as consumers reach it. Reusing
 * that memory saves more than the reading costs, because memory that is new to the process is slow. When a page is read
 * back a second time (queues are consumed in different places), the cache was too small and doubles, up to the budget.
 */
export const PAGE_CACHE_BYTES = 64 * 1024 * 1024;

/** Pages that are kept of those which were read back to be looked through once. */
const MAX_SCANNED = 8;

/** Reads back pages that have left memory. */
export interface PageSource {
  /** Fills `into` with `length` bytes from `offset` of a segment. Throws when it cannot. */
  read(sequence: number, offset: number, into: Uint8Array, length: number): void;
}

export class Pages {
  /** By number; numbers are reused. */
  readonly list: (Page | undefined)[] = [];
  /** Memory of all loaded pages. */
  bytes = 0;
  /** How often a page was read back. */
  loads = 0;
  /** How often one was read back to be looked through. */
  scans = 0;
  source: PageSource | undefined;
  /** By how many bytes the shard is over its memory budget; negative: under it. */
  pressure: () => number = () => Number.NEGATIVE_INFINITY;
  /** Called while a page is still in memory, before it leaves. */
  onLeave: ((page: Page) => void) | undefined;
  readonly #freeNumbers: number[] = [];
  /** Pages that were read back to be looked through, the oldest first. */
  readonly #scanned: Page[] = [];
  readonly #spare: Uint8Array[] = [];
  readonly #maxSpare: number;
  #pageCacheBytes: number;

  /** `pageBytes`: the size of a page, unless one record needs a larger one. `budget`: the memory budget of the shard. */
  constructor(
    readonly pageBytes: number,
    readonly budget = Number.POSITIVE_INFINITY,
    pageCacheBytes = PAGE_CACHE_BYTES,
  ) {
    this.#pageCacheBytes = pageCacheBytes;
    this.#maxSpare = Math.max(MIN_SPARE, Math.min(MAX_SPARE, Math.floor((budget * SPARE_SHARE) / pageBytes)));
  }

  /** An existing page, read back if it is not in memory, which may take another one out of memory. */
  at(number: number): Page {
    const page = this.#known(number);
    page.isTouched = true;
    if (!page.isLoaded) this.#load(page);
    return page;
  }

  /**
   * As `at`, for readers that look through many pages once, and others may do so after them. What they read back takes
   * the place of what they have read before, not of what queues need.
   */
  scan(number: number): Page {
    const page = this.#known(number);
    if (page.isLoaded) return page;
    this.#read(page);
    this.scans++;
    const over = this.pressure();
    if (over > 0) this.evict(over, page);
    this.#scanned.push(page);
    if (this.#scanned.length <= MAX_SCANNED) return page;
    const oldest = this.#scanned.shift();
    // One that was looked into otherwise is like any other page now.
    if (oldest?.isLoaded && !oldest.isTouched && this.list[oldest.number] === oldest && oldest !== page) {
      this.#unload(oldest);
    }
    return page;
  }

  /** Whether the messages of a page survive the process. */
  isKept(number: number): boolean {
    return this.list[number]?.segment !== undefined;
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
    this.dropIfDead(page);
  }

  /** Drops a page that no message needs, if it may go. */
  dropIfDead(page: Page): void {
    if (page.live > 0 || page.isOpen || !page.isWritten || this.list[page.number] !== page) return;
    this.list[page.number] = undefined;
    this.#freeNumbers.push(page.number);
    if (page.isLoaded) this.#unload(page);
  }

  /** A new page with memory that was borrowed; none: it is on disk alone. */
  add(bytes: Uint8Array, segment: Segment | undefined, offset: number): Page {
    const page = new Page(bytes, segment, offset);
    page.number = this.#freeNumbers.pop() ?? this.list.length;
    this.list[page.number] = page;
    this.bytes += bytes.length;
    return page;
  }

  /** A page of a segment that is on disk. It is not dropped before `finishAdopting`. */
  adopt(segment: Segment, offset: number, used: number, bytes: Uint8Array = NO_BYTES): Page {
    const page = this.add(bytes, segment, offset);
    page.used = used;
    segment.used = Math.max(segment.used, offset + used);
    return page;
  }

  /** All messages of an adopted page are claimed: from now on it is like any page that was written. */
  finishAdopting(page: Page): void {
    page.written = page.used;
    this.dropIfDead(page);
  }

  /** Memory for a page of at least `length` bytes. */
  borrow(length: number): Uint8Array {
    const spare = length <= this.pageBytes ? this.#spare.pop() : undefined;
    return spare ?? new Uint8Array(Math.max(length, this.pageBytes));
  }

  /** Takes back memory that `borrow` gave. */
  giveBack(bytes: Uint8Array): void {
    if (bytes.length === this.pageBytes && this.#spare.length < this.#maxSpare) this.#spare.push(bytes);
  }

  /** Takes pages that are on disk out of memory until `excess` bytes are free. `keep` stays. */
  evict(excess: number, keep?: Page): void {
    let left = excess;
    // The newest are needed last. Pages that were looked into lately have a second chance.
    for (let pass = 0; pass < 2 && left > 0; pass++) {
      for (let number = this.list.length - 1; number >= 0 && left > 0; number--) {
        const page = this.list[number];
        if (page === undefined || page === keep || !page.isLoaded || !page.canLeave) continue;
        if (page.isTouched && pass === 0) {
          page.isTouched = false;
          continue;
        }
        left -= this.#unload(page);
      }
    }
  }

  /** Takes pages out of memory, the newest first, down to the size of the cache. `keep` stays. */
  trimCache(keep?: Page): void {
    let left = this.bytes - this.#pageCacheBytes;
    for (let number = this.list.length - 1; number >= 0 && left > 0; number--) {
      const page = this.list[number];
      if (page === undefined || page === keep || !page.isLoaded || page.isTimed || !page.canLeave) continue;
      if (page.isTouched) page.isTouched = false;
      else left -= this.#unload(page);
    }
  }

  #known(number: number): Page {
    const page = this.list[number];
    if (page === undefined) throw new Error(`log: page ${number} is gone`);
    return page;
  }

  #read(page: Page): void {
    const { segment } = page;
    if (segment === undefined || this.source === undefined) {
      throw new Error(`log: page ${page.number} is neither in memory nor on disk`);
    }
    const bytes = this.borrow(page.used);
    this.source.read(segment.sequence, page.offset, bytes, page.used);
    page.load(bytes);
    this.bytes += bytes.length;
  }

  #load(page: Page): void {
    this.#read(page);
    this.loads++;
    page.loads++;
    if (page.loads > 1) this.#pageCacheBytes *= 2;
    const over = this.pressure();
    if (over > 0) this.evict(over, page);
    else this.trimCache(page);
  }

  #unload(page: Page): number {
    this.onLeave?.(page);
    const bytes = page.unload();
    this.bytes -= bytes.length;
    this.giveBack(bytes);
    return bytes.length;
  }
}
