/**
 * What a replay needs to know of pages that it has read and that have left memory: how large their entries are. With acks
 * spread over a backlog that memory does not hold, each of them would have a page read back only to count bytes.
 *
 * A page is measured when it leaves memory, unless nobody needs it any more. The sizes take a share of the memory budget;
 * beyond it, those go that were not asked for lately, and their page is read again if they are.
 */
import { skipEntries } from "../../protocol/entry.js";
import type { Page } from "../log/page.js";
import * as ext from "../messages/extent.js";
import type { MissingSizes, Store } from "../messages/store.js";
import { PageMeter, type PageSizes } from "./page-sizes.js";

/** The part of the memory budget that sizes may take. */
const SHARE = 1 / 8;

export class EntrySizes implements MissingSizes {
  readonly #store: Store;
  readonly #max: number;
  readonly #meter = new PageMeter();
  /** By page number. Those of pages that are gone stay until their number is used again, or memory is short. */
  readonly #known: (PageSizes | undefined)[] = [];
  #bytes = 0;
  /** Where the search for sizes that can go is. */
  #hand = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#max = store.log.pages.budget * SHARE;
  }

  /** A page leaves memory. */
  leaving(page: Page): void {
    if (page.live > 0 && this.#known[page.number]?.page !== page) this.#measure(page);
  }

  bytesOf(extent: number, mask: number): number {
    const { extents } = this.#store;
    const block = (extents.idLow(extent) & ~31) >>> 0;
    return this.#of(extent).bytesOfMask(extents.get(extent, ext.RECORD), block, mask);
  }

  /** Bytes of the entries of `count` messages of an extent from an id on, the first of which is at `offset` of its page. */
  bytesFrom(extent: number, idLow: number, count: number, offset: number): number {
    const { extents, log } = this.#store;
    const page = log.pages.list[extents.get(extent, ext.PAGE)];
    if (page?.isLoaded) return skipEntries(page.view, offset, count) - offset;
    return this.#of(extent).bytesOf(extents.get(extent, ext.RECORD), idLow, count);
  }

  /** Forgets everything: nothing is asked any more. */
  clear(): void {
    this.#known.length = 0;
    this.#count(-this.#bytes);
  }

  #of(extent: number): PageSizes {
    const { extents, log } = this.#store;
    const number = extents.get(extent, ext.PAGE);
    let sizes = this.#known[number];
    if (sizes === undefined || sizes.page !== log.pages.list[number]) sizes = this.#measure(log.pages.scan(number));
    sizes.isUsed = true;
    return sizes;
  }

  #measure(page: Page): PageSizes {
    const sizes = this.#meter.measure(page);
    this.#count(sizes.bytes - (this.#known[page.number]?.bytes ?? 0));
    this.#known[page.number] = sizes;
    if (this.#bytes > this.#max) this.#shrink(sizes);
    return sizes;
  }

  /** Lets sizes go until the rest is small enough; those that were asked for lately have a second chance. */
  #shrink(keep: PageSizes): void {
    const { list } = this.#store.log.pages;
    for (let looks = 2 * this.#known.length; looks > 0 && this.#bytes > this.#max; looks--) {
      this.#hand = (this.#hand + 1) % this.#known.length;
      const sizes = this.#known[this.#hand];
      if (sizes === undefined || sizes === keep) continue;
      if (sizes.isUsed && list[this.#hand] === sizes.page) {
        sizes.isUsed = false;
        continue;
      }
      this.#known[this.#hand] = undefined;
      this.#count(-sizes.bytes);
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#store.replayBytes += bytes;
  }
}
