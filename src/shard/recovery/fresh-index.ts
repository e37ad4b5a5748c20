/**
 * Finds fresh extents of a queue by id while a log is read back: messages that were acked lie inside of batches. Batches
 * come in the order of their ids, except those that a compaction has moved, and are acked about in that order, so that
 * nearly every search ends at the first one.
 */
import { idOrder } from "../../protocol/id.js";
import * as ext from "../messages/extent.js";

const MIN_CAPACITY = 8;

/** Extents at the front that are gone before the rest is moved. */
const MIN_GONE = 1024;

export class FreshIndex {
  /** First ids, sorted, and the extents that begin there; those before `#from` are gone, those from `#end` on unused. */
  #keys = new Float64Array(MIN_CAPACITY);
  #extents = new Int32Array(MIN_CAPACITY);
  #from = 0;
  #end = 0;
  /** Where the last search ended. */
  #last = 0;

  constructor(
    readonly table: ext.ExtentTable,
    readonly queue: number,
    /** It takes so many bytes more. */
    readonly onGrow: (bytes: number) => void,
  ) {
    onGrow(this.bytes);
  }

  /** Memory. */
  get bytes(): number {
    return this.#keys.byteLength + this.#extents.byteLength;
  }

  add(extent: number): void {
    const key = idOrder(this.table.idHigh(extent), this.table.idLow(extent));
    if (this.#end === this.#keys.length) this.#makeRoom();
    let at = this.#end++;
    if (at > this.#from && (this.#keys[at - 1] as number) > key) {
      this.#end--;
      at = this.#below(key) + 1;
      this.#keys.copyWithin(at + 1, at, this.#end);
      this.#extents.copyWithin(at + 1, at, this.#end);
      this.#end++;
    }
    this.#keys[at] = key;
    this.#extents[at] = extent;
  }

  /** Those that are still there. */
  *extents(): Iterable<number> {
    for (let at = this.#from; at < this.#end; at++) if (this.#isAlive(at)) yield this.#extents[at] as number;
  }

  /** The fresh extent that has the id, or NONE. */
  find(high: number, low: number): number {
    this.#skip();
    const key = idOrder(high, low);
    const at = this.#isLast(key) ? this.#last : this.#below(key);
    if (at < this.#from) return ext.NONE;
    this.#last = at;
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
    for (let at = Math.max(this.#below(key), this.#from); at < this.#end; at++) {
      if ((this.#keys[at] as number) >= key + ext.BLOCK) break;
      if (!this.#isAlive(at)) continue;
      const extent = this.#extents[at] as number;
      const first = idOrder(this.table.idHigh(extent), this.table.idLow(extent));
      if (first > key) return first - key;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The last search ended where one for this key would. */
  #isLast(key: number): boolean {
    const at = this.#last;
    if (at < this.#from || at >= this.#end || (this.#keys[at] as number) > key) return false;
    return at + 1 === this.#end || (this.#keys[at + 1] as number) > key;
  }

  /** The last extent with a key up to this. One that has lost its first messages keeps its place. */
  #below(key: number): number {
    let low = this.#from;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as number) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Skips what is gone at the front. */
  #skip(): void {
    while (this.#from < this.#end && !this.#isAlive(this.#from)) this.#from++;
    if (this.#from >= MIN_GONE && this.#from * 2 >= this.#end) this.#close();
  }

  /** Moves what is left to the front. */
  #close(): void {
    this.#keys.copyWithin(0, this.#from, this.#end);
    this.#extents.copyWithin(0, this.#from, this.#end);
    this.#end -= this.#from;
    this.#from = 0;
  }

  /** Drops those that are gone, or grows if they are few. */
  #makeRoom(): void {
    let end = this.#from;
    for (let at = this.#from; at < this.#end; at++) {
      if (!this.#isAlive(at)) continue;
      this.#keys[end] = this.#keys[at] as number;
      this.#extents[end++] = this.#extents[at] as number;
    }
    this.#end = end;
    this.#close();
    if (this.#end * 2 > this.#keys.length) this.#grow();
  }

  #grow(): void {
    const before = this.bytes;
    const keys = new Float64Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    const extents = new Int32Array(2 * this.#extents.length);
    extents.set(this.#extents);
    this.#extents = extents;
    this.onGrow(this.bytes - before);
  }

  /** Whether the extent is still the one that was added: numbers are reused. */
  #isAlive(at: number): boolean {
    const { table } = this;
    const extent = this.#extents[at] as number;
    if (table.state(extent) !== ext.State.READY || table.isFragment(extent)) return false;
    if (table.get(extent, ext.QUEUE) !== this.queue) return false;
    const key = idOrder(table.idHigh(extent), table.idLow(extent));
    return key >= (this.#keys[at] as number) && (at + 1 === this.#end || key < (this.#keys[at + 1] as number));
  }
}
