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
  /** The last part of the present extent, and how many there are. */
  #last = ext.NONE;
  #parts = 0;

  constructor(store: Store, sizes: EntrySizes, gone: GoneMessages) {
    this.#store = store;
    this.#sizes = sizes;
    this.#gone = gone;
  }

  /** Splits an extent, of which messages are left, into what is fewer. */
  split(queue: Queue, extent: number): void {
    if (this.#isSparse(extent)) this.intoFragments(queue, extent);
    else this.#intoFresh(queue, extent);
  }

  /** Makes fragments of what is left of an extent. */
  intoFragments(queue: Queue, extent: number): void {
    const { extents, index } = this.#store;
    const first = extents.idLow(extent);
    const span = extents.get(extent, ext.SPAN);
    const whole = this.#begin(extent);
    let at = extents.get(extent, ext.OFFSET);
    for (let done = 0, n = 0; done < span; done += n) {
      const id = first + done;
      n = Math.min(span - done, ext.BLOCK - (id & 31));
      const bytes = this.#sizes.bytesFrom(whole, id, n, at);
      const mask = ext.bits(id & 31, n) & ~this.#gone.of(whole, id);
      if (mask === 0) {
        queue.readyBytes -= bytes;
      } else {
        const part = this.#part(queue, extent, id, n, at, bytes);
        extents.set(part, ext.MASK, mask);
        index.add(part);
        queue.readyBytes -= bytes - this.#store.bytesOf(part, mask);
      }
      at += bytes;
    }
    this.#end(whole);
  }

  /** Makes a fresh extent of each run of messages that are left. */
  #intoFresh(queue: Queue, extent: number): void {
    const { extents } = this.#store;
    const first = extents.idLow(extent);
    const span = extents.get(extent, ext.SPAN);
    const whole = this.#begin(extent);
    let at = extents.get(extent, ext.OFFSET);
    for (let done = 0, n = 0; done < span; done += n) {
      const id = first + done;
      const isGone = this.#isGone(whole, id);
      for (n = 1; done + n < span && this.#isGone(whole, id + n) === isGone; ) n++;
      const bytes = this.#sizes.bytesFrom(whole, id, n, at);
      if (isGone) queue.readyBytes -= bytes;
      else this.#part(queue, extent, id, n, at, bytes);
      at += bytes;
    }
    this.#end(whole);
  }

  /** A copy of an extent that is about to be split, in no list. */
  #begin(extent: number): number {
    const { extents } = this.#store;
    const whole = extents.clone(extent);
    extents.set(extent, ext.DELIVERY, 0);
    extents.set(extent, ext.HOLDER, 0);
    this.#last = extent;
    this.#parts = 0;
    return whole;
  }

  #end(whole: number): void {
    this.#gone.forget(whole);
    this.#store.extents.free(whole);
  }

  /**
   * The next part of an extent. The first one is the extent itself, by whose number an index of positions knows it; the
   * others follow in its place.
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

  #isGone(extent: number, idLow: number): boolean {
    return ((this.#gone.of(extent, idLow) >>> (idLow & 31)) & 1) === 1;
  }

  /** It has more runs of messages than blocks with some. */
  #isSparse(extent: number): boolean {
    const { extents } = this.#store;
    const first = extents.idLow(extent);
    const span = extents.get(extent, ext.SPAN);
    let blocks = 0;
    let runs = 0;
    let before = 0;
    for (let done = 0, n = 0; done < span; done += n) {
      const id = first + done;
      n = Math.min(span - done, ext.BLOCK - (id & 31));
      const mask = ext.bits(id & 31, n) & ~this.#gone.of(extent, id);
      if (mask !== 0) blocks++;
      // A run begins with each bit that does not follow another one.
      runs += ext.popcount(mask & ~((mask << 1) | before));
      before = mask >>> 31;
    }
    return runs > blocks;
  }
}
