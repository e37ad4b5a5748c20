/**
 * The keys of a topic's messages, in a few typed arrays: a hash table whose slots say which message a key is of. Two keys with
 * one hash are told apart by their text.
 *
 * ```
 *  word 0  next slot of the chain, or of the free ones     4  number of a queue that has, or had, the message
 *       1  hash of the key                                 5  length of the key u8 | `Durability` u8 | several u8
 *       2  id, high                                        6  where the text is, in units of eight bytes
 *       3  id, low                                         7  0
 * ```
 *
 * A durability of 0: the message is being published and has no id yet. `several`: the message is in several queues.
 *
 * Texts are in one array, each in so many units of eight bytes as it takes. Free ones are linked by their size.
 */
import { hashKey } from "./key-hash.js";

/** No slot. */
export const NONE = -1;

const CHAIN = 0;
const HASH = 1;
const ID_HIGH = 2;
const ID_LOW = 3;
const QUEUE = 4;
const FACTS = 5;
const TEXT = 6;
const WORDS_SHIFT = 3;

const LEVEL_SHIFT = 8;
const SEVERAL = 1 << 16;

const MIN_SLOTS = 16;
const UNIT_SHIFT = 3;
const UNIT = 1 << UNIT_SHIFT;
/** Sizes of texts, in units: of 1 to 255 bytes. */
const SIZES = 32;

/** The table is made smaller when so few of its slots are in use. */
const SPARSE = 1 / 8;

const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(n, MIN_SLOTS)));

/** Memory of so many slots: a bucket, the words, and a time each. */
const slotBytes = (slots: number): number => slots * (4 + (4 << WORDS_SHIFT) + 8);

export class KeyTable {
  /** Keys in it. */
  size = 0;
  /** All slots in use are numbered below this. */
  high = 0;
  /** Keys that are known for a window. */
  windowed = 0;
  /** Counts how often the slots were numbered anew. */
  generation = 0;
  #buckets = new Int32Array(MIN_SLOTS).fill(NONE);
  #words = new Int32Array(MIN_SLOTS << WORDS_SHIFT);
  /** Until when a key is known, milliseconds since 1970; 0: until its message is done. */
  #until = new Float64Array(MIN_SLOTS);
  #text = new Uint8Array(MIN_SLOTS * UNIT);
  #units = new Int32Array(this.#text.buffer);
  #textEnd = 0;
  #freeSlot = NONE;
  readonly #freeText = new Int32Array(SIZES + 1).fill(NONE);
  /** Of the key that was looked for last. */
  #hash = 0;

  constructor(readonly secret: readonly [number, number]) {}

  /** Memory. */
  get bytes(): number {
    return slotBytes(this.#until.length) + this.#text.length;
  }

  /** How much memory it needs for so many more keys of so many bytes in all. */
  growthFor(keys: number, bytes: number): number {
    const slots = powerOfTwo(Math.max(this.#until.length, this.size + keys));
    const text = powerOfTwo(Math.max(this.#text.length, this.#textEnd + bytes + keys * UNIT));
    return slotBytes(slots) + text - this.bytes;
  }

  /** The slot of the key [start, end) of `bytes`; NONE: it is not here. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashKey(bytes, start, end, this.secret);
    this.#hash = hash;
    const words = this.#words;
    let slot = this.#buckets[hash & (this.#buckets.length - 1)] as number;
    while (slot !== NONE) {
      const at = slot << WORDS_SHIFT;
      if (words[at + HASH] === hash && this.#isText(at, bytes, start, end)) return slot;
      slot = words[at + CHAIN] as number;
    }
    return NONE;
  }

  /** Adds the key that was looked for last and is not here, without an id. */
  add(bytes: Uint8Array, start: number, end: number): number {
    let slot = this.#freeSlot;
    if (slot === NONE) {
      if (this.high === this.#until.length) this.#grow();
      slot = this.high++;
    } else {
      this.#freeSlot = this.#words[(slot << WORDS_SHIFT) + CHAIN] as number;
    }
    const text = this.#placeText(end - start);
    for (let i = start, to = text << UNIT_SHIFT; i < end; i++, to++) this.#text[to] = bytes[i] as number;
    const words = this.#words;
    const at = slot << WORDS_SHIFT;
    words[at + HASH] = this.#hash;
    words[at + FACTS] = end - start;
    words[at + TEXT] = text;
    this.#until[slot] = 0;
    this.#chain(slot);
    this.size++;
    return slot;
  }

  /** Says which message a key is of. `queue`: one that has it. `until`: 0, or until when the key is known. */
  set(
    slot: number,
    idHigh: number,
    idLow: number,
    queue: number,
    isSeveral: boolean,
    level: number,
    until: number,
  ): void {
    const words = this.#words;
    const at = slot << WORDS_SHIFT;
    words[at + ID_HIGH] = idHigh;
    words[at + ID_LOW] = idLow;
    words[at + QUEUE] = queue;
    words[at + FACTS] = ((words[at + FACTS] as number) & 0xff) | (level << LEVEL_SHIFT) | (isSeveral ? SEVERAL : 0);
    this.windowed += Number(until > 0) - Number((this.#until[slot] as number) > 0);
    this.#until[slot] = until;
  }

  remove(slot: number): void {
    const words = this.#words;
    const at = slot << WORDS_SHIFT;
    const next = words[at + CHAIN] as number;
    const bucket = (words[at + HASH] as number) & (this.#buckets.length - 1);
    let before = this.#buckets[bucket] as number;
    if (before === slot) {
      this.#buckets[bucket] = next;
    } else {
      for (let after = words[(before << WORDS_SHIFT) + CHAIN]; after !== slot; ) {
        if (after === undefined || after === NONE) throw new Error(`keys: slot ${slot} is not in its chain`);
        before = after;
        after = words[(before << WORDS_SHIFT) + CHAIN];
      }
      words[(before << WORDS_SHIFT) + CHAIN] = next;
    }
    const text = words[at + TEXT] as number;
    const units = unitsOf((words[at + FACTS] as number) & 0xff);
    this.#units[text << 1] = this.#freeText[units] as number;
    this.#freeText[units] = text;
    if ((this.#until[slot] as number) > 0) this.windowed--;
    words[at + FACTS] = 0;
    words[at + CHAIN] = this.#freeSlot;
    this.#freeSlot = slot;
    this.size--;
  }

  /** Gives back the memory that it does not need any more. The slots may be numbered anew. */
  shrink(): void {
    if (this.#until.length === MIN_SLOTS || this.size > this.#until.length * SPARSE) return;
    const old = { high: this.high, words: this.#words, until: this.#until, text: this.#text };
    const slots = powerOfTwo(2 * this.size);
    this.#buckets = new Int32Array(slots).fill(NONE);
    this.#words = new Int32Array(slots << WORDS_SHIFT);
    this.#until = new Float64Array(slots);
    this.#text = new Uint8Array(slots * UNIT);
    this.#units = new Int32Array(this.#text.buffer);
    this.#textEnd = 0;
    this.#freeSlot = NONE;
    this.#freeText.fill(NONE);
    this.size = 0;
    this.high = 0;
    this.generation++;
    for (let slot = 0; slot < old.high; slot++) {
      const at = slot << WORDS_SHIFT;
      const length = (old.words[at + FACTS] as number) & 0xff;
      if (length === 0) continue;
      const start = (old.words[at + TEXT] as number) << UNIT_SHIFT;
      this.#hash = old.words[at + HASH] as number;
      const copy = this.add(old.text, start, start + length);
      const to = copy << WORDS_SHIFT;
      for (let word = ID_HIGH; word <= FACTS; word++) this.#words[to + word] = old.words[at + word] as number;
      this.#until[copy] = old.until[slot] as number;
    }
  }

  /** Whether a slot has a key. */
  isUsed(slot: number): boolean {
    return ((this.#words[(slot << WORDS_SHIFT) + FACTS] as number) & 0xff) !== 0;
  }

  idHigh(slot: number): number {
    return (this.#words[(slot << WORDS_SHIFT) + ID_HIGH] as number) >>> 0;
  }

  idLow(slot: number): number {
    return (this.#words[(slot << WORDS_SHIFT) + ID_LOW] as number) >>> 0;
  }

  queue(slot: number): number {
    return this.#words[(slot << WORDS_SHIFT) + QUEUE] as number;
  }

  /** Another one of the queues that have the message. */
  setQueue(slot: number, queue: number): void {
    this.#words[(slot << WORDS_SHIFT) + QUEUE] = queue;
  }

  isSeveral(slot: number): boolean {
    return ((this.#words[(slot << WORDS_SHIFT) + FACTS] as number) & SEVERAL) !== 0;
  }

  /** `Durability`; 0: the message is being published. */
  level(slot: number): number {
    return ((this.#words[(slot << WORDS_SHIFT) + FACTS] as number) >>> LEVEL_SHIFT) & 0xff;
  }

  until(slot: number): number {
    return this.#until[slot] as number;
  }

  /** The text of a key: good until the next one is added. */
  text(slot: number): Uint8Array {
    const at = slot << WORDS_SHIFT;
    const start = (this.#words[at + TEXT] as number) << UNIT_SHIFT;
    return this.#text.subarray(start, start + ((this.#words[at + FACTS] as number) & 0xff));
  }

  #isText(at: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (((this.#words[at + FACTS] as number) & 0xff) !== end - start) return false;
    const text = this.#text;
    for (let i = start, to = (this.#words[at + TEXT] as number) << UNIT_SHIFT; i < end; i++, to++) {
      if (bytes[i] !== text[to]) return false;
    }
    return true;
  }

  #chain(slot: number): void {
    const at = slot << WORDS_SHIFT;
    const bucket = (this.#words[at + HASH] as number) & (this.#buckets.length - 1);
    this.#words[at + CHAIN] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = slot;
  }

  /** Answers where a text of so many bytes goes. */
  #placeText(length: number): number {
    const units = unitsOf(length);
    const free = this.#freeText[units] as number;
    if (free !== NONE) {
      this.#freeText[units] = this.#units[free << 1] as number;
      return free;
    }
    const place = this.#textEnd;
    this.#textEnd += units << UNIT_SHIFT;
    if (this.#textEnd > this.#text.length) {
      const text = new Uint8Array(powerOfTwo(this.#textEnd));
      text.set(this.#text);
      this.#text = text;
      this.#units = new Int32Array(text.buffer);
    }
    return place >>> UNIT_SHIFT;
  }

  #grow(): void {
    const slots = this.#until.length * 2;
    const words = new Int32Array(slots << WORDS_SHIFT);
    words.set(this.#words);
    this.#words = words;
    const until = new Float64Array(slots);
    until.set(this.#until);
    this.#until = until;
    this.#buckets = new Int32Array(slots).fill(NONE);
    // All of them are in use.
    for (let slot = 0; slot < this.high; slot++) this.#chain(slot);
  }
}

const unitsOf = (length: number): number => (length + UNIT - 1) >>> UNIT_SHIFT;
