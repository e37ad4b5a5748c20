/**
 * The sizes of the entries in a page, so that bytes can be counted when the page has left memory. A batch of entries of
 * one size takes four words, whatever their number. Where sizes differ, each entry takes a byte or two more.
 *
 * ```
 *  word 0  offset of the record       2  the smallest size
 *       1  first id, low              3  where the surplus of its entries begins << 3 | bytes of each: 0, 1, 2 or 4
 * ```
 *
 * Records are in the order of their offsets. A surplus is by how much an entry is larger than the smallest one, with the
 * low byte first.
 */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import type { Page } from "../log/page.js";
import * as record from "../log/record.js";

const OFFSET = 0;
const FIRST_ID = 1;
const SMALLEST = 2;
const SURPLUS = 3;
const WORDS = 4;
const WIDTH_BITS = 3;
const WIDTH_MASK = 7;

/** What an object of this class takes beside its arrays, about. */
const OBJECT_BYTES = 300;

export class PageSizes {
  /** It was asked for since somebody cleared this. */
  isUsed = true;

  constructor(
    readonly page: Page,
    readonly words: Uint32Array,
    readonly surplus: Uint8Array,
  ) {}

  /** Memory. */
  get bytes(): number {
    return OBJECT_BYTES + this.words.byteLength + this.surplus.byteLength;
  }

  /** Bytes of the entries of `count` messages from an id on, which are in the record at `offset`. */
  bytesOf(offset: number, idLow: number, count: number): number {
    const { words } = this;
    const at = this.#find(offset);
    const width = (words[at + SURPLUS] as number) & WIDTH_MASK;
    const smallest = words[at + SMALLEST] as number;
    if (width === 0) return count * smallest;
    const first = ((words[at + SURPLUS] as number) >>> WIDTH_BITS) + (idLow - (words[at + FIRST_ID] as number)) * width;
    let bytes = count * smallest;
    for (let i = first; i < first + count * width; i += width) bytes += this.#surplusAt(i, width);
    return bytes;
  }

  /** Bytes of the entries of the messages in `mask`, the first bit of which stands for the id `block`. */
  bytesOfMask(offset: number, block: number, mask: number): number {
    let bytes = 0;
    for (let left = mask; left !== 0; ) {
      const first = 31 - Math.clz32(left & -left);
      const rest = left >>> first;
      // The ones at the low end: 32 when all bits are set.
      const count = rest === -1 >>> first ? 32 - first : 31 - Math.clz32(~rest & (rest + 1));
      bytes += this.bytesOf(offset, block + first, count);
      left = count === 32 ? 0 : left & ~(((1 << count) - 1) << first);
    }
    return bytes;
  }

  /** The words of the record at `offset`. */
  #find(offset: number): number {
    const { words } = this;
    let low = 0;
    let high = words.length / WORDS - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((words[middle * WORDS + OFFSET] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    const at = low * WORDS;
    if (words[at + OFFSET] !== offset) throw new Error(`replay: no messages at ${offset} of page ${this.page.number}`);
    return at;
  }

  #surplusAt(at: number, width: number): number {
    const { surplus } = this;
    const first = surplus[at] as number;
    if (width === 1) return first;
    const second = first | ((surplus[at + 1] as number) << 8);
    return width === 2 ? second : second | ((surplus[at + 2] as number) << 16) | ((surplus[at + 3] as number) << 24);
  }
}

/** Measures pages, one after the other, with the same memory. */
export class PageMeter {
  #words = new Uint32Array(1024 * WORDS);
  #surplus = new Uint8Array(1024);
  #sizes = new Uint32Array(1024);
  #end = 0;
  #surplusEnd = 0;

  /** `page` is in memory. */
  measure(page: Page): PageSizes {
    const { view, used } = page;
    this.#end = 0;
    this.#surplusEnd = 0;
    for (let at = 0; at < used; at += record.align(view.getUint32(at + record.LENGTH))) {
      const type = view.getUint8(at + record.TYPE);
      if (type === record.RecordType.PUBLISH) this.#add(view, at, record.publishedEntries(view, at));
      else if (type === record.RecordType.KEEP) this.#add(view, at, record.keptEntries(view, at));
    }
    return new PageSizes(page, this.#words.slice(0, this.#end), this.#surplus.slice(0, this.#surplusEnd));
  }

  /** Adds the batch of a record, whose entries begin there. */
  #add(view: DataView, at: number, entries: number): void {
    const count = view.getUint16(at + record.COUNT);
    let entry = entries;
    if (count > this.#sizes.length) this.#sizes = new Uint32Array(2 * count);
    const sizes = this.#sizes;
    let smallest = Number.POSITIVE_INFINITY;
    let largest = 0;
    for (let i = 0; i < count; i++) {
      const size = WORD_BYTES + (view.getUint32(entry) & SIZE_MASK);
      sizes[i] = size;
      if (size < smallest) smallest = size;
      if (size > largest) largest = size;
      entry += size;
    }
    const range = largest - smallest;
    const width = range === 0 ? 0 : range < 1 << 8 ? 1 : range < 1 << 16 ? 2 : 4;
    if (this.#end === this.#words.length) this.#words = doubled(this.#words, new Uint32Array(2 * this.#end));
    const words = this.#words;
    words[this.#end + OFFSET] = at;
    words[this.#end + FIRST_ID] = view.getUint32(at + record.FIRST_ID_LOW);
    words[this.#end + SMALLEST] = smallest;
    words[this.#end + SURPLUS] = (this.#surplusEnd << WIDTH_BITS) | width;
    this.#end += WORDS;
    if (width > 0) this.#addSurplus(count, smallest, width);
  }

  #addSurplus(count: number, smallest: number, width: number): void {
    const needed = this.#surplusEnd + count * width;
    if (needed > this.#surplus.length) this.#surplus = doubled(this.#surplus, new Uint8Array(2 * needed));
    const surplus = this.#surplus;
    let to = this.#surplusEnd;
    for (let i = 0; i < count; i++) {
      let rest = (this.#sizes[i] as number) - smallest;
      for (let byte = 0; byte < width; byte++, rest >>>= 8) surplus[to++] = rest & 0xff;
    }
    this.#surplusEnd = to;
  }
}

const doubled = <T extends Uint8Array | Uint32Array>(held: T, larger: T): T => {
  larger.set(held);
  return larger;
};
