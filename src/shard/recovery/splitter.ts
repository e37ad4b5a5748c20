/**
 * Splits fresh extents of which messages are gone: what is left takes their place in the queue, as a few fresh extents
 * where the gaps are few, or else as fragments, which have a mask.
 */
import * as ext from "../messages/extent.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { EntrySizes } from "./entry-sizes.js";
import type { GoneMessages } from "./gone-messages.js";

export class Splitter {
  readonly #store: Store;
  readonly #sizes: EntrySizes;
  readonly #gone: GoneMessages;
  /** The ids of the present extent, and where its bits begin; NONE: no message is gone. */
  #first = 0;
  #span = 0;
  #bits = ext.NONE;
  /** How many parts it has so far, and the last one. */
  #parts = 0;
  #last = ext.NONE;

  constructor(store: Store, sizes: EntrySizes, gone: GoneMessages) {
    this.#store = store;
    this.#sizes = sizes;
    this.#gone = gone;
  }

  /** Splits an extent, of which messages are left, into what is fewer. */
  split(queue: Queue, extent: number, bits: number): void {
    this.#begin(extent, bits);
    if (this.#isSparse()) this.#intoFragments(queue, extent);
    else this.#intoFresh(queue, extent);
  }

  /** Makes fragments of what is left of an extent. */
  intoFragments(queue: Queue, extent: number, bits: number): void {
    this.#begin(extent, bits);
    this.#intoFragments(queue, extent);
  }

  #intoFragments(queue: Queue, extent: number): void {
    const { extents, index } = this.#store;
    let at = extents.get(extent, ext.OFFSET);
    for (let done = 0, n = 0; done < this.#span; done += n) {
      const id = this.#first + done;
      n = Math.min(this.#span - done, ext.BLOCK - (id & 31));
      const bytes = this.#sizes.bytesFrom(extent, id, n, at);
      const all = ext.bits(id & 31, n);
      const mask = all & ~this.#goneBeside(id);
      if (mask === 0) {
        this.#end(queue, extent, n, bytes);
      } else {
        const part = this.#part(queue, extent, id, n, at, bytes);
        extents.set(part, ext.MASK, mask);
        index.add(part);
        if (mask !== all) this.#end(queue, extent, ext.popcount(all ^ mask), bytes - this.#store.bytesOf(part, mask));
      }
      at += bytes;
    }
  }

  /** Makes a fresh extent of each run of messages that are left. */
  #intoFresh(queue: Queue, extent: number): void {
    let at = this.#store.extents.get(extent, ext.OFFSET);
    for (let done = 0, n = 0; done < this.#span; done += n) {
      const id = this.#first + done;
      const isGone = this.#isGone(id);
      for (n = 1; done + n < this.#span && this.#isGone(id + n) === isGone; ) n++;
      const bytes = this.#sizes.bytesFrom(extent, id, n, at);
      if (isGone) this.#end(queue, extent, n, bytes);
      else this.#part(queue, extent, id, n, at, bytes);
      at += bytes;
    }
  }

  #begin(extent: number, bits: number): void {
    const { extents } = this.#store;
    this.#first = extents.idLow(extent);
    this.#span = extents.get(extent, ext.SPAN);
    this.#bits = bits;
    this.#parts = 0;
    this.#last = extent;
  }

  /**
   * The next part of an extent. The first one is the extent itself, by whose number an index of positions knows it; the
   * others follow in its place. All are in the same page and record.
   */
  #part(queue: Queue, extent: number, idLow: number, span: number, offset: number, bytes: number): number {
    const { extents } = this.#store;
    let part = extent;
    if (this.#parts++ > 0) {
      part = extents.clone(extent);
      extents.set(part, ext.MASK, 0);
      queue.ready.insertAfter(extents, part, this.#last);
    }
    this.#last = part;
    extents.set(part, ext.ID_LOW, idLow);
    extents.set(part, ext.SPAN, span);
    extents.set(part, ext.OFFSET, offset);
    extents.set(part, ext.BYTES, bytes);
    return part;
  }

  /** Counts off messages of an extent that are gone; others of its page are left. */
  #end(queue: Queue, extent: number, count: number, bytes: number): void {
    const { extents, log } = this.#store;
    queue.readyCount -= count;
    queue.readyBytes -= bytes;
    log.pages.release(extents.get(extent, ext.PAGE), count);
  }

  /** Those that are gone of the block that has an id, as a mask. */
  #goneBeside(idLow: number): number {
    return this.#bits === ext.NONE ? 0 : this.#gone.of(this.#bits, this.#first, idLow);
  }

  #isGone(idLow: number): boolean {
    return ((this.#goneBeside(idLow) >>> (idLow & 31)) & 1) === 1;
  }

  /** It has more runs of messages than blocks with some. */
  #isSparse(): boolean {
    let blocks = 0;
    let runs = 0;
    let before = 0;
    for (let done = 0, n = 0; done < this.#span; done += n) {
      const id = this.#first + done;
      n = Math.min(this.#span - done, ext.BLOCK - (id & 31));
      const mask = ext.bits(id & 31, n) & ~this.#goneBeside(id);
      if (mask !== 0) blocks++;
      // A run begins with each bit that does not follow another one.
      runs += ext.popcount(mask & ~((mask << 1) | before));
      before = mask >>> 31;
    }
    return runs > blocks;
  }
}
