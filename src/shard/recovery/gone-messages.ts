/**
 * Which messages of fresh extents are gone, while a log is read back: a bit for each, from the first one that is acked
 * alone. So an ack costs a bit in whatever order acks come, and nothing of a page; the extents are split once, at the end.
 *
 * The bits of an extent are words of one array, a power of two of them. Bit `id & 31` stands for an id, as in the mask of
 * a fragment, and the first word is that of the first id.
 */
import * as ext from "../messages/extent.js";

const INITIAL_WORDS = 1024;
const BLOCK_SHIFT = 5;

export class GoneMessages {
  #words = new Int32Array(INITIAL_WORDS);
  /** Words from here on have never been used. */
  #end = 0;
  /** By the binary logarithm of their length: the first free run of words, which are linked through the first of each. */
  readonly #free: number[] = [];

  /** `onGrow`: it takes so many bytes more. */
  constructor(readonly onGrow: (bytes: number) => void) {
    onGrow(this.bytes);
  }

  /** Memory. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Finds room for the bits of `span` messages, none of which is gone. Answers where it begins. */
  begin(firstLow: number, span: number): number {
    const size = sizeOf(firstLow, span);
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
    return start;
  }

  /** Gives back what `begin` has found. */
  end(start: number, firstLow: number, span: number): void {
    const size = sizeOf(firstLow, span);
    this.#words[start] = this.#free[size] ?? ext.NONE;
    this.#free[size] = start;
  }

  /** `count` messages from an id on are gone. Answers how many were not before. */
  add(start: number, firstLow: number, idLow: number, count: number): number {
    let at = start + blocksBetween(firstLow, idLow);
    let added = 0;
    for (let done = 0; done < count; at++) {
      const from = (idLow + done) & (ext.BLOCK - 1);
      const n = Math.min(count - done, ext.BLOCK - from);
      const before = this.#words[at] as number;
      const after = before | ext.bits(from, n);
      this.#words[at] = after;
      added += ext.popcount(before ^ after);
      done += n;
    }
    return added;
  }

  /** Those that are gone of the block of 32 ids that has `idLow`, as a mask. */
  of(start: number, firstLow: number, idLow: number): number {
    return this.#words[start + blocksBetween(firstLow, idLow)] as number;
  }

  #grow(): void {
    const before = this.#words;
    this.#words = new Int32Array(ext.nextPowerOfTwo(this.#end));
    this.#words.set(before);
    this.onGrow(this.bytes - before.byteLength);
  }
}

/** How many blocks of 32 ids an id is behind another one. */
const blocksBetween = (firstLow: number, idLow: number): number => (idLow >>> BLOCK_SHIFT) - (firstLow >>> BLOCK_SHIFT);

/** The binary logarithm of the number of words for so many messages. */
const sizeOf = (firstLow: number, span: number): number =>
  ext.BLOCK - Math.clz32(blocksBetween(firstLow, firstLow + span - 1));
