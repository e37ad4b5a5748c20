/**
 * Finds fresh extents of a queue by id while a log is read back: messages that were acked lie inside of batches. Batches
 * come in the order of their ids, except those that a compaction has moved, and are acked about in that order, so that
 * nearly every search ends at the first one.
 */
import { idOrder } from "../../protocol/id.js";
import * as ext from "../messages/extent.js";

export class FreshIndex {
  /** First ids, sorted, and the extents that begin there; those before `#from` are gone. */
  #keys: number[] = [];
  #extents: number[] = [];
  #from = 0;

  constructor(
    readonly table: ext.ExtentTable,
    readonly queue: number,
  ) {}

  add(extent: number): void {
    const key = idOrder(this.table.idHigh(extent), this.table.idLow(extent));
    let at = this.#keys.length;
    if (at > this.#from && (this.#keys[at - 1] as number) > key) {
      at = this.#below(key) + 1;
      this.#keys.splice(at, 0, key);
      this.#extents.splice(at, 0, extent);
      return;
    }
    this.#keys.push(key);
    this.#extents.push(extent);
  }

  /** The fresh extent that has the id, or NONE. */
  find(high: number, low: number): number {
    this.#skip();
    const at = this.#below(idOrder(high, low));
    if (at < this.#from) return ext.NONE;
    const extent = this.#extents[at] as number;
    if (!this.#isAlive(at)) return ext.NONE;
    const first = this.table.idLow(extent);
    return this.table.idHigh(extent) === high && low >= first && low < first + this.table.get(extent, ext.SPAN)
      ? extent
      : ext.NONE;
  }

  /** The distance from an id that is in no fresh extent to the next one that is; Infinity: more than a block. */
  distance(high: number, low: number): number {
    const key = idOrder(high, low);
    for (let at = Math.max(this.#below(key), this.#from); at < this.#extents.length; at++) {
      if ((this.#keys[at] as number) >= key + ext.BLOCK) break;
      if (!this.#isAlive(at)) continue;
      const extent = this.#extents[at] as number;
      const first = idOrder(this.table.idHigh(extent), this.table.idLow(extent));
      if (first > key) return first - key;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The last extent with a key up to this. One that has lost its first messages keeps its place. */
  #below(key: number): number {
    let low = this.#from;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as number) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Skips what is gone at the front. */
  #skip(): void {
    while (this.#from < this.#extents.length && !this.#isAlive(this.#from)) this.#from++;
    if (this.#from < 1024 || this.#from * 2 < this.#keys.length) return;
    this.#keys = this.#keys.slice(this.#from);
    this.#extents = this.#extents.slice(this.#from);
    this.#from = 0;
  }

  /** Whether the extent is still the one that was added: numbers are reused. */
  #isAlive(at: number): boolean {
    const { table } = this;
    const extent = this.#extents[at] as number;
    if (table.state(extent) !== ext.State.READY || table.isFragment(extent)) return false;
    if (table.get(extent, ext.QUEUE) !== this.queue) return false;
    const key = idOrder(table.idHigh(extent), table.idLow(extent));
    const next = this.#keys[at + 1];
    return key >= (this.#keys[at] as number) && (next === undefined || key < next);
  }
}
