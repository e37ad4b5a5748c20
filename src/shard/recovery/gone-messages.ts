/**
 * Which messages of fresh extents are gone, while a log is read back: a bit for each, from the first one that is acked
 * alone. So an ack costs a bit in whatever order acks come, and nothing of a page; the extents are split once, at the end.
 *
 * The bits of an extent are words of one array, a power of two of them, in which bit `id & 31` stands for an id, as in the
 * mask of a fragment. Two words of a fresh extent, which mean something only in flight, say where they are:
 *
 * ```
 *  DELIVERY  their first word + 1; 0: none is gone
 *  HOLDER    how many messages are gone
 * ```
 */
import * as ext from "../messages/extent.js";

const START = ext.DELIVERY;
const COUNT = ext.HOLDER;

const INITIAL_WORDS = 1024;
const BLOCK_SHIFT = 5;

export class GoneMessages {
  #words = new Int32Array(INITIAL_WORDS);
  /** Words from here on have never been used. */
  #end = 0;
  /** By the binary logarithm of their length: the first free run of words, which are linked through the first of each. */
  readonly #free: number[] = [];

  constructor(
    readonly table: ext.ExtentTable,
    /** It takes so many bytes more. */
    readonly onGrow: (bytes: number) => void,
  ) {
    onGrow(this.bytes);
  }

  /** Memory. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /** How many messages of a fresh extent are gone. */
  countOf(extent: number): number {
    return this.table.get(extent, COUNT);
  }

  /** `count` messages of an extent from an id on are gone. Answers how many were not before. */
  add(extent: number, idLow: number, count: number): number {
    const { table } = this;
    const start = table.get(extent, START) === 0 ? this.#begin(extent) : table.get(extent, START) - 1;
    const words = this.#words;
    let at = start + blocksBetween(table.idLow(extent), idLow);
    let added = 0;
    for (let done = 0; done < count; at++) {
      const from = (idLow + done) & (ext.BLOCK - 1);
      const n = Math.min(count - done, ext.BLOCK - from);
      const before = words[at] as number;
      const after = before | ext.bits(from, n);
      words[at] = after;
      added += ext.popcount(before ^ after);
      done += n;
    }
    table.set(extent, COUNT, table.get(extent, COUNT) + added);
    return added;
  }

  /** Those that are gone of the block of 32 ids that has `idLow`, as a mask. */
  of(extent: number, idLow: number): number {
    const { table } = this;
    const start = table.get(extent, START);
    return start === 0 ? 0 : (this.#words[start - 1 + blocksBetween(table.idLow(extent), idLow)] as number);
  }

  /** Forgets an extent. */
  forget(extent: number): void {
    const { table } = this;
    const start = table.get(extent, START) - 1;
    if (start < 0) return;
    const size = sizeOf(table, extent);
    this.#words[start] = this.#free[size] ?? ext.NONE;
    this.#free[size] = start;
    table.set(extent, START, 0);
    table.set(extent, COUNT, 0);
  }

  /** Finds words for an extent, none of whose messages is gone. Answers the first. */
  #begin(extent: number): number {
    const size = sizeOf(this.table, extent);
    const length = 1 << size;
    let start = this.#free[size] ?? ext.NONE;
    if (start === ext.NONE) {
      start = this.#end;
      this.#end += length;
      if (this.#end > this.#words.length) this.#grow();
    } else {
      this.#free[size] = this.#words[start] as number;
      this.#words.fill(0, start, start + length);
    }
    this.table.set(extent, START, start + 1);
    return start;
  }

  #grow(): void {
    const before = this.#words;
    this.#words = new Int32Array(ext.nextPowerOfTwo(this.#end));
    this.#words.set(before);
    this.onGrow(this.bytes - before.byteLength);
  }
}

/** How many blocks of 32 ids an id is behind another one. */
const blocksBetween = (first: number, idLow: number): number => (idLow >>> BLOCK_SHIFT) - (first >>> BLOCK_SHIFT);

/** The binary logarithm of the number of words that an extent is given. */
const sizeOf = (table: ext.ExtentTable, extent: number): number => {
  const first = table.idLow(extent);
  const words = blocksBetween(first, first + table.get(extent, ext.SPAN) - 1) + 1;
  return ext.BLOCK - Math.clz32(words - 1);
};
