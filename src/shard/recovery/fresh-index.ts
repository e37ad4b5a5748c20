/**
 * Finds fresh extents of a queue by id while a log is read back: messages that were acked lie inside of batches. Batches
 * come in the order of their ids, except those that a compaction has moved.
 *
 * An ack touches nothing but its entry here, and a bit: with acks in random order, each further line of memory is a wait.
 *
 * ```
 *  word 0  the extent; NONE: it is gone          2  where its bits begin + 1; 0: no message is gone
 *       1  first id, low                         3  span u16 | messages that are gone u16
 * ```
 */
import { idOrder } from "../../protocol/id.js";
import * as ext from "../messages/extent.js";

const EXTENT = 0;
const FIRST_LOW = 1;
const BITS = 2;
const COUNTS = 3;
const WORDS_SHIFT = 2;
const SPAN_SHIFT = 16;
const GONE_MASK = 0xffff;

const MIN_CAPACITY = 8;

/** Entries at the front that are gone before the rest is moved. */
const MIN_GONE = 1024;

/** Entries among which a search that has guessed well goes on. */
const NEAR = 16;
/** Guesses of a search: batches that were published evenly are found with the first one. */
const GUESSES = 3;

export class FreshIndex {
  /** First ids, sorted; those before `#from` are gone, those from `#end` on unused. */
  #keys = new Float64Array(MIN_CAPACITY);
  #words = new Int32Array(MIN_CAPACITY << WORDS_SHIFT);
  #from = 0;
  #end = 0;
  /** Where the last search ended. */
  #last = 0;

  /** `onGrow`: it takes so many bytes more. */
  constructor(readonly onGrow: (bytes: number) => void) {
    onGrow(this.bytes);
  }

  /** Memory. */
  get bytes(): number {
    return this.#keys.byteLength + this.#words.byteLength;
  }

  /** Entries are numbered from here to `end`, until one is added. */
  get from(): number {
    return this.#from;
  }

  get end(): number {
    return this.#end;
  }

  add(extent: number, idHigh: number, idLow: number, span: number): void {
    if (this.#end === this.#keys.length) this.#makeRoom();
    const key = idOrder(idHigh, idLow);
    let at = this.#end++;
    if (at > this.#from && (this.#keys[at - 1] as number) > key) {
      at = this.#below(key, this.#end - 1) + 1;
      this.#keys.copyWithin(at + 1, at, this.#end - 1);
      this.#words.copyWithin((at + 1) << WORDS_SHIFT, at << WORDS_SHIFT, (this.#end - 1) << WORDS_SHIFT);
    }
    this.#keys[at] = key;
    const word = at << WORDS_SHIFT;
    this.#words[word + EXTENT] = extent;
    this.#words[word + FIRST_LOW] = idLow;
    this.#words[word + BITS] = 0;
    this.#words[word + COUNTS] = span << SPAN_SHIFT;
  }

  /** The entry of the extent that has an id, or NONE. */
  find(idHigh: number, idLow: number): number {
    const key = idOrder(idHigh, idLow);
    const at = this.#isLast(key) ? this.#last : this.#below(key, this.#end);
    if (at < this.#from) return ext.NONE;
    this.#last = at;
    const distance = key - (this.#keys[at] as number);
    // Keys are without the node, ids are not.
    const isIn = distance < this.span(at) && distance === idLow - this.firstLow(at) && this.extent(at) !== ext.NONE;
    return isIn ? at : ext.NONE;
  }

  /** The distance from an id that is in no fresh extent to the next one that is; Infinity: more than a block. */
  distance(idHigh: number, idLow: number): number {
    const key = idOrder(idHigh, idLow);
    for (let at = Math.max(this.#below(key, this.#end), this.#from); at < this.#end; at++) {
      const first = this.#keys[at] as number;
      if (first >= key + ext.BLOCK) break;
      if (first > key && this.extent(at) !== ext.NONE) return first - key;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The extent of an entry; NONE: it is gone. */
  extent(at: number): number {
    return this.#words[(at << WORDS_SHIFT) + EXTENT] as number;
  }

  firstLow(at: number): number {
    return (this.#words[(at << WORDS_SHIFT) + FIRST_LOW] as number) >>> 0;
  }

  /** Where the bits of an entry begin; NONE: no message is gone. */
  bits(at: number): number {
    return (this.#words[(at << WORDS_SHIFT) + BITS] as number) - 1;
  }

  setBits(at: number, start: number): void {
    this.#words[(at << WORDS_SHIFT) + BITS] = start + 1;
  }

  span(at: number): number {
    return (this.#words[(at << WORDS_SHIFT) + COUNTS] as number) >>> SPAN_SHIFT;
  }

  /** `count` more messages of an entry are gone. True: that is all of them. */
  count(at: number, count: number): boolean {
    const word = (at << WORDS_SHIFT) + COUNTS;
    const counts = this.#words[word] as number;
    if ((counts & GONE_MASK) + count === counts >>> SPAN_SHIFT) return true;
    this.#words[word] = counts + count;
    return false;
  }

  /** The extent of an entry is not fresh any more. */
  remove(at: number): void {
    this.#words[(at << WORDS_SHIFT) + EXTENT] = ext.NONE;
    while (this.#from < this.#end && this.extent(this.#from) === ext.NONE) this.#from++;
    if (this.#from >= MIN_GONE && this.#from * 2 >= this.#end) this.#close();
  }

  /** The last search ended where one for this key would. */
  #isLast(key: number): boolean {
    const at = this.#last;
    if (at < this.#from || at >= this.#end || (this.#keys[at] as number) > key) return false;
    return at + 1 === this.#end || (this.#keys[at + 1] as number) > key;
  }

  /** The last entry before `end` with a key up to this; `#from - 1`: none. */
  #below(key: number, end: number): number {
    const keys = this.#keys;
    let low = this.#from;
    let high = end;
    for (let guesses = 0; guesses < GUESSES && high - low > NEAR; guesses++) {
      const first = keys[low] as number;
      const last = keys[high - 1] as number;
      if (key < first) return low - 1;
      if (key >= last) return high - 1;
      const guess = low + Math.floor(((key - first) / (last - first)) * (high - 1 - low));
      if ((keys[guess] as number) <= key) {
        low = guess;
        if (guess + NEAR < high && (keys[guess + NEAR] as number) > key) high = guess + NEAR;
      } else {
        high = guess;
        if (guess - NEAR > low && (keys[guess - NEAR] as number) <= key) low = guess - NEAR;
      }
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as number) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Drops the entries that are gone, and grows if they are few. */
  #makeRoom(): void {
    let end = this.#from;
    for (let at = this.#from; at < this.#end; at++) {
      if (this.extent(at) === ext.NONE) continue;
      this.#keys[end] = this.#keys[at] as number;
      this.#words.copyWithin(end << WORDS_SHIFT, at << WORDS_SHIFT, (at + 1) << WORDS_SHIFT);
      end++;
    }
    this.#end = end;
    this.#close();
    if (this.#end * 2 > this.#keys.length) this.#grow();
  }

  /** Moves what is left to the front. */
  #close(): void {
    this.#keys.copyWithin(0, this.#from, this.#end);
    this.#words.copyWithin(0, this.#from << WORDS_SHIFT, this.#end << WORDS_SHIFT);
    this.#end -= this.#from;
    this.#from = 0;
  }

  #grow(): void {
    const before = this.bytes;
    const keys = new Float64Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    const words = new Int32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
    this.onGrow(this.bytes - before);
  }
}
