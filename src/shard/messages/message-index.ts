/**
 * Finds fragments by message id: a hash table keyed by (queue, block of 32 ids), chained through a word of the extents.
 * Several fragments of one block can be live at once (its messages were handed to different consumers), so a look-up
 * walks `first` and `next` and tests the masks.
 */
import { CHAIN, type ExtentTable, ID_HIGH, ID_LOW, NONE, QUEUE } from "./extent.js";

const INITIAL_BUCKETS = 1024;
const BLOCK_SHIFT = 5;

const hash = (queue: number, high: number, block: number): number => {
  // Multiplicative mixing: neighbouring blocks of different milliseconds must not collide.
  let h = Math.imul(high, 0x9e37_79b1) ^ Math.imul(block, 0x85eb_ca6b) ^ Math.imul(queue, 0xc2b2_ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b_3c6d);
  return h ^ (h >>> 13);
};

export class MessageIndex {
  #buckets = new Int32Array(INITIAL_BUCKETS).fill(NONE);
  #size = 0;

  constructor(readonly table: ExtentTable) {}

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#buckets.byteLength;
  }

  /** Goes back to the smallest table. It must be empty. */
  reset(): void {
    this.#buckets = new Int32Array(INITIAL_BUCKETS).fill(NONE);
  }

  add(extent: number): void {
    if (this.#size++ === this.#buckets.length) this.#grow();
    this.#chain(extent);
  }

  remove(extent: number): void {
    const { table } = this;
    const bucket = this.#bucketOf(extent);
    const next = table.get(extent, CHAIN);
    let at = this.#buckets[bucket] as number;
    if (at === extent) {
      this.#buckets[bucket] = next;
    } else {
      for (let after = table.get(at, CHAIN); after !== extent; after = table.get(at, CHAIN)) {
        if (after === NONE) throw new Error(`index: extent ${extent} is not in its chain`);
        at = after;
      }
      table.set(at, CHAIN, next);
    }
    table.set(extent, CHAIN, NONE);
    this.#size--;
  }

  /** The first fragment of a block, or NONE. */
  first(queue: number, idHigh: number, idLow: number): number {
    const block = idLow >>> BLOCK_SHIFT;
    const bucket = hash(queue, idHigh, block) & (this.#buckets.length - 1);
    return this.#matching(this.#buckets[bucket] as number, queue, idHigh, block);
  }

  /** The next fragment of the same block, or NONE. */
  next(extent: number): number {
    const { table } = this;
    const block = table.idLow(extent) >>> BLOCK_SHIFT;
    return this.#matching(table.get(extent, CHAIN), table.get(extent, QUEUE), table.idHigh(extent), block);
  }

  #matching(from: number, queue: number, idHigh: number, block: number): number {
    const { table } = this;
    let extent = from;
    while (extent !== NONE) {
      if (
        table.idLow(extent) >>> BLOCK_SHIFT === block &&
        table.get(extent, ID_HIGH) === (idHigh | 0) &&
        table.get(extent, QUEUE) === queue
      ) {
        return extent;
      }
      extent = table.get(extent, CHAIN);
    }
    return NONE;
  }

  #bucketOf(extent: number): number {
    const { table } = this;
    const block = (table.get(extent, ID_LOW) >>> 0) >>> BLOCK_SHIFT;
    return hash(table.get(extent, QUEUE), table.idHigh(extent), block) & (this.#buckets.length - 1);
  }

  #chain(extent: number): void {
    const bucket = this.#bucketOf(extent);
    this.table.set(extent, CHAIN, this.#buckets[bucket] as number);
    this.#buckets[bucket] = extent;
  }

  /** Chains keep their order: a walk over the fragments of a block goes on, whatever is added on the way. */
  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Int32Array(old.length * 2).fill(NONE);
    const chain: number[] = [];
    for (const head of old) {
      for (let extent = head; extent !== NONE; extent = this.table.get(extent, CHAIN)) chain.push(extent);
      for (let extent = chain.pop(); extent !== undefined; extent = chain.pop()) this.#chain(extent);
    }
  }
}
