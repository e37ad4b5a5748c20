/**
 * The fresh extents of all queues while a log is read back. Acks of their messages are noted (gone-messages.ts); what is
 * left of the extents is split at the end, page by page, so that no page is read more than once for it.
 */
import * as ext from "../messages/extent.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { EntrySizes } from "./entry-sizes.js";
import { FreshIndex } from "./fresh-index.js";
import { GoneMessages } from "./gone-messages.js";
import { Splitter } from "./splitter.js";

export class FreshExtents {
  readonly #store: Store;
  readonly #gone: GoneMessages;
  readonly #splitter: Splitter;
  /** By queue number. */
  readonly #indexes: (FreshIndex | undefined)[] = [];

  constructor(store: Store, sizes: EntrySizes) {
    this.#store = store;
    this.#gone = new GoneMessages(store.extents, (bytes) => this.#count(bytes));
    this.#splitter = new Splitter(store, sizes, this.#gone);
  }

  /** The last ready extent of a queue is a fresh one. */
  add(queue: Queue): void {
    let index = this.#indexes[queue.number];
    if (index === undefined) {
      index = new FreshIndex(this.#store.extents, queue.number, (bytes) => this.#count(bytes));
      this.#indexes[queue.number] = index;
    }
    index.add(queue.ready.tail);
  }

  /** Messages from an id on are gone. Answers how many of them one extent has or had; 0: the first one is in none. */
  end(queue: Queue, idHigh: number, idLow: number, count: number): number {
    const { extents, log } = this.#store;
    const extent = this.#find(queue, idHigh, idLow);
    if (extent === ext.NONE) return 0;
    const span = extents.get(extent, ext.SPAN);
    const n = Math.min(count, extents.idLow(extent) + span - idLow);
    const isWhole = n === span;
    const ended = isWhole ? span - this.#gone.countOf(extent) : this.#gone.add(extent, idLow, n);
    queue.readyCount -= ended;
    const page = extents.get(extent, ext.PAGE);
    if (isWhole || this.#gone.countOf(extent) === span) this.#drop(queue, extent);
    log.pages.release(page, ended);
    return n;
  }

  /** Makes fragments of the extent that has an id, if one has it. */
  breakUp(queue: Queue, idHigh: number, idLow: number): void {
    const extent = this.#find(queue, idHigh, idLow);
    if (extent !== ext.NONE) this.#splitter.intoFragments(queue, extent);
  }

  /** The distance from an id that is in no fresh extent to the next one that is; Infinity: more than a block. */
  distance(queue: Queue, idHigh: number, idLow: number): number {
    return this.#indexes[queue.number]?.distance(idHigh, idLow) ?? Number.POSITIVE_INFINITY;
  }

  /** A queue is about to be removed: drops those of its extents that have lost messages. */
  forget(queue: Queue): void {
    const { extents, log } = this.#store;
    const index = this.#indexes[queue.number];
    if (index === undefined) return;
    for (const extent of index.extents()) {
      const gone = this.#gone.countOf(extent);
      if (gone === 0) continue;
      const left = extents.get(extent, ext.SPAN) - gone;
      const page = extents.get(extent, ext.PAGE);
      queue.readyCount -= left;
      this.#drop(queue, extent);
      log.pages.release(page, left);
    }
    this.#count(-index.bytes);
    this.#indexes[queue.number] = undefined;
  }

  /** Everything has been read: splits what has lost messages. */
  finish(queues: readonly (Queue | undefined)[]): void {
    const { extents, log } = this.#store;
    // Fragments are in chains, fresh extents are not: here they are, those of a page in one.
    const { list } = log.pages;
    const firsts = new Int32Array(list.length).fill(ext.NONE);
    for (const index of this.#indexes) {
      if (index === undefined) continue;
      for (const extent of index.extents()) {
        if (this.#gone.countOf(extent) === 0) continue;
        const page = extents.get(extent, ext.PAGE);
        extents.set(extent, ext.CHAIN, firsts[page] as number);
        firsts[page] = extent;
      }
      this.#count(-index.bytes);
    }
    this.#indexes.length = 0;
    for (const first of firsts) {
      for (let extent = first; extent !== ext.NONE; ) {
        const next = extents.get(extent, ext.CHAIN);
        extents.set(extent, ext.CHAIN, ext.NONE);
        this.#splitter.split(queues[extents.get(extent, ext.QUEUE)] as Queue, extent);
        extent = next;
      }
      const excess = first === ext.NONE ? 0 : log.pages.pressure();
      if (excess > 0) log.pages.evict(excess);
    }
    this.#count(-this.#gone.bytes);
  }

  #find(queue: Queue, idHigh: number, idLow: number): number {
    return this.#indexes[queue.number]?.find(idHigh, idLow) ?? ext.NONE;
  }

  /** Frees an extent whose messages are not counted any more. */
  #drop(queue: Queue, extent: number): void {
    const { extents } = this.#store;
    queue.readyBytes -= extents.get(extent, ext.BYTES);
    queue.ready.remove(extents, extent);
    this.#gone.forget(extent);
    extents.free(extent);
  }

  #count(bytes: number): void {
    this.#store.replayBytes += bytes;
  }
}
