/**
 * The fresh extents of all queues while a log is read back. Acks of their messages are noted (gone-messages.ts); what is
 * left of the extents is split at the end, page by page, so that no page is read more than once for it. Until then queues
 * and pages count the messages of an extent as if all of them were there.
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
    this.#gone = new GoneMessages((bytes) => this.#count(bytes));
    this.#splitter = new Splitter(store, sizes, this.#gone);
  }

  /** The last ready extent of a queue is a fresh one. */
  add(queue: Queue): void {
    const { extents } = this.#store;
    let index = this.#indexes[queue.number];
    if (index === undefined) {
      index = new FreshIndex((bytes) => this.#count(bytes));
      this.#indexes[queue.number] = index;
    }
    const { tail } = queue.ready;
    index.add(tail, extents.idHigh(tail), extents.idLow(tail), extents.get(tail, ext.SPAN));
  }

  /** Messages from an id on are gone. Answers how many of them one extent has or had; 0: the first one is in none. */
  end(queue: Queue, idHigh: number, idLow: number, count: number): number {
    const index = this.#indexes[queue.number];
    const at = index?.find(idHigh, idLow) ?? ext.NONE;
    if (index === undefined || at === ext.NONE) return 0;
    const firstLow = index.firstLow(at);
    const span = index.span(at);
    const n = Math.min(count, firstLow + span - idLow);
    let isWhole = n === span;
    if (!isWhole) {
      let start = index.bits(at);
      if (start === ext.NONE) {
        start = this.#gone.begin(firstLow, span);
        index.setBits(at, start);
      }
      isWhole = index.count(at, this.#gone.add(start, firstLow, idLow, n));
    }
    if (isWhole) this.#drop(queue, this.#remove(index, at));
    return n;
  }

  /** Makes fragments of the extent that has an id, if one has it. */
  breakUp(queue: Queue, idHigh: number, idLow: number): void {
    const index = this.#indexes[queue.number];
    const at = index?.find(idHigh, idLow) ?? ext.NONE;
    if (index === undefined || at === ext.NONE) return;
    this.#splitter.intoFragments(queue, index.extent(at), index.bits(at));
    this.#remove(index, at);
  }

  /** The distance from an id that is in no fresh extent to the next one that is; Infinity: more than a block. */
  distance(queue: Queue, idHigh: number, idLow: number): number {
    return this.#indexes[queue.number]?.distance(idHigh, idLow) ?? Number.POSITIVE_INFINITY;
  }

  /** A queue is about to be removed, with all that it has. */
  forget(queue: Queue): void {
    const index = this.#indexes[queue.number];
    if (index === undefined) return;
    for (let at = index.from; at < index.end; at++) if (index.extent(at) !== ext.NONE) this.#freeBits(index, at);
    this.#count(-index.bytes);
    this.#indexes[queue.number] = undefined;
  }

  /** Everything has been read: splits what has lost messages. */
  finish(queues: readonly (Queue | undefined)[]): void {
    const { extents, log } = this.#store;
    // Two words mean nothing in a fresh extent. Here they say where its bits are, and which is the next one of its page.
    const firsts = new Int32Array(log.pages.list.length).fill(ext.NONE);
    for (const index of this.#indexes) {
      if (index === undefined) continue;
      for (let at = index.from; at < index.end; at++) {
        const extent = index.extent(at);
        if (extent === ext.NONE || index.bits(at) === ext.NONE) continue;
        const page = extents.get(extent, ext.PAGE);
        extents.set(extent, ext.DELIVERY, index.bits(at));
        extents.set(extent, ext.CHAIN, firsts[page] as number);
        firsts[page] = extent;
      }
      this.#count(-index.bytes);
    }
    this.#indexes.length = 0;
    for (const first of firsts) {
      for (let extent = first; extent !== ext.NONE; ) {
        const next = extents.get(extent, ext.CHAIN);
        const bits = extents.get(extent, ext.DELIVERY);
        extents.set(extent, ext.CHAIN, ext.NONE);
        extents.set(extent, ext.DELIVERY, 0);
        this.#splitter.split(queues[extents.get(extent, ext.QUEUE)] as Queue, extent, bits);
        extent = next;
      }
      const excess = first === ext.NONE ? 0 : log.pages.pressure();
      if (excess > 0) log.pages.evict(excess);
    }
    this.#count(-this.#gone.bytes);
  }

  /** Takes an entry out of an index. Answers its extent. */
  #remove(index: FreshIndex, at: number): number {
    const extent = index.extent(at);
    this.#freeBits(index, at);
    index.remove(at);
    return extent;
  }

  #freeBits(index: FreshIndex, at: number): void {
    const bits = index.bits(at);
    if (bits !== ext.NONE) this.#gone.end(bits, index.firstLow(at), index.span(at));
  }

  /** Frees an extent all of whose messages are gone. */
  #drop(queue: Queue, extent: number): void {
    const { extents, log } = this.#store;
    const span = extents.get(extent, ext.SPAN);
    queue.readyCount -= span;
    queue.readyBytes -= extents.get(extent, ext.BYTES);
    queue.ready.remove(extents, extent);
    log.pages.release(extents.get(extent, ext.PAGE), span);
    extents.free(extent);
  }

  #count(bytes: number): void {
    this.#store.replayBytes += bytes;
  }
}
