/**
 * The pages of a log by number: who still needs them, which of them are in memory, and the memory itself, which is used
 * again and again.
 *
 * A page that its journal has written may leave memory when that is short, and is read back when somebody looks into it.
 * A page of which nobody needs anything is gone, unless records are still added to it or its journal has not written it.
 */
import { NO_BYTES, Page } from "./page.js";
import type { Segment } from "./segment.js";

/**
 * Free pages kept for reuse: they save the kernel's work of finding and clearing memory. They come on top of the budget,
 * of which they are an eighth at most.
 */
const MAX_SPARE = 32;
const MIN_SPARE = 2;
const SPARE_SHARE = 1 / 8;

/**
 * Memory up to which pages stay that could leave: what a backlog has beyond it is on disk, and read back as consumers come
 * near. Memory that is used again costs a fraction of memory that is new to the process, more than the reading. When pages
 * are read back twice, because queues are consumed in different places, it is too little and doubles, up to the budget.
 */
export const PAGE_CACHE_BYTES = 64 * 1024 * 1024;

/** Reads back pages that have left memory. */
export interface PageSource {
  /** Fills `into` with `length` bytes from `offset` of a segment. Throws when it cannot. */
  read(sequence: number, offset: number, into: Uint8Array, length: number): void;
}

export class Pages {
  /** By number; numbers are used again. */
  readonly list: (Page | undefined)[] = [];
  /** Memory of all that are loaded. */
  bytes = 0;
  /** How often one was read back. */
  loads = 0;
  source: PageSource | undefined;
  /** Bytes by which memory is over its budget, or under it if negative. */
  pressure: () => number = () => Number.NEGATIVE_INFINITY;
  readonly #freeNumbers: number[] = [];
  readonly #spare: Uint8Array[] = [];
  readonly #maxSpare: number;
  #pageCacheBytes: number;

  /** `pageBytes`: of a page that no single record makes larger. `budget`: memory that messages may take. */
  constructor(
    readonly pageBytes: number,
    budget = Number.POSITIVE_INFINITY,
    pageCacheBytes = PAGE_CACHE_BYTES,
  ) {
    this.#pageCacheBytes = pageCacheBytes;
    this.#maxSpare = Math.max(MIN_SPARE, Math.min(MAX_SPARE, Math.floor((budget * SPARE_SHARE) / pageBytes)));
  }

  /** A page that is known to exist, in memory. Reading it back may take another one out of memory. */
  at(number: number): Page {
    const page = this.#known(number);
    page.isTouched = true;
    if (!page.isLoaded) this.#load(page);
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

  /** A page is gone if nobody needs anything of it. */
  dropIfDead(page: Page): void {
    if (page.live > 0 || page.isOpen || !page.isWritten || this.list[page.number] !== page) return;
    this.list[page.number] = undefined;
    this.#freeNumbers.push(page.number);
    if (page.isLoaded) this.#unload(page);
  }

  /** A page over memory that was borrowed, or none if it is on disk alone. */
  add(bytes: Uint8Array, segment: Segment | undefined, offset: number): Page {
    const page = new Page(bytes, segment, offset);
    page.number = this.#freeNumbers.pop() ?? this.list.length;
    this.list[page.number] = page;
    this.bytes += bytes.length;
    return page;
  }

  /** A page of a segment that is on disk, as it was read back. It stays until it is marked as written. */
  adopt(segment: Segment, offset: number, used: number, bytes: Uint8Array = NO_BYTES): Page {
    const page = this.add(bytes, segment, offset);
    page.used = used;
    segment.used = Math.max(segment.used, offset + used);
    return page;
  }

  /** An adopted page has been read: from now on it is like any that was written. */
  finishAdopting(page: Page): void {
    page.written = page.used;
    this.dropIfDead(page);
  }

  /** Memory for a page of at least `length` bytes. */
  borrow(length: number): Uint8Array {
    const spare = length <= this.pageBytes ? this.#spare.pop() : undefined;
    return spare ?? new Uint8Array(Math.max(length, this.pageBytes));
  }

  /** Memory that `borrow` gave and nobody needs. */
  giveBack(bytes: Uint8Array): void {
    if (bytes.length === this.pageBytes && this.#spare.length < this.#maxSpare) this.#spare.push(bytes);
  }

  /** Takes pages that are on disk out of memory until `excess` bytes are free or none is left. `keep` stays. */
  evict(excess: number, keep?: Page): void {
    let left = excess;
    // The newest are needed last; those that were looked into lately have a second chance.
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

  /** Lets pages leave that nobody is about to look into, the newest first, as long as there are more than is easy. */
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

  #load(page: Page): void {
    const { segment } = page;
    if (segment === undefined || this.source === undefined) {
      throw new Error(`log: page ${page.number} is neither in memory nor on disk`);
    }
    const bytes = this.borrow(page.used);
    this.source.read(segment.sequence, page.offset, bytes, page.used);
    page.load(bytes);
    this.bytes += bytes.length;
    this.loads++;
    page.loads++;
    if (page.loads > 1) this.#pageCacheBytes *= 2;
    const over = this.pressure();
    if (over > 0) this.evict(over, page);
    else this.trimCache(page);
  }

  #unload(page: Page): number {
    const bytes = page.unload();
    this.bytes -= bytes.length;
    this.giveBack(bytes);
    return bytes.length;
  }
}
