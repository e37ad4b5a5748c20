/**
 * Extents: what a shard knows of its messages beyond their bytes in the log.
 *
 * An extent is a run of messages with consecutive ids from one batch, in one queue, that share state, retry count and
 * timer. There are two sorts:
 *
 * - A **fresh** extent is ready and has never been delivered. It may span a whole batch, so a backlog costs next to
 *   nothing per message.
 * - A **fragment** is anything else: in flight, delayed, dead, returned, or with a time to live. It lies within one
 *   aligned block of 32 ids and has a mask of the messages that are still in it (bit = id & 31), so that one of them
 *   can be acked without touching the others. Fragments are found by id through the `MessageIndex`.
 *
 * ```
 *  word  0  first id, high           8  queue number
 *        1  first id, low            9  state u8 | reason u8 | retry u16 (from the low bits up)
 *        2  span: ids covered       10  delivery number, also when it was given back; else 0
 *        3  mask (fragments)        11  consumer number + 1 while a consumer holds it, else 0
 *        4  page                    12  next in list
 *        5  offset of first entry   13  previous in list
 *        6  bytes of the entries    14  next in the index's chain
 *        7  offset of the record    15  flags
 * ```
 *
 * One cache line each, in one typed array that grows by doubling; a free extent is linked through word 12.
 */
export const ID_HIGH = 0;
export const ID_LOW = 1;
export const SPAN = 2;
export const MASK = 3;
export const PAGE = 4;
export const OFFSET = 5;
export const BYTES = 6;
export const RECORD = 7;
export const QUEUE = 8;
export const STATUS = 9;
export const DELIVERY = 10;
export const HOLDER = 11;
export const NEXT = 12;
export const PREVIOUS = 13;
export const CHAIN = 14;
export const FLAGS = 15;

const WORDS_SHIFT = 4;
const INITIAL_EXTENTS = 1024;

/** Steps on the way to a place in a list after which a mark is left: see `ExtentList`. */
const MARK_STEPS = 64;

/** States, the low byte of STATUS. */
export const State = { FREE: 0, READY: 1, DELAYED: 2, IN_FLIGHT: 3, DEAD: 4 } as const;

/** FLAGS: the messages were re-driven and have no time to live any more. */
export const REDRIVEN = 1;

/** Ids of a block: a fragment lies within one. */
export const BLOCK = 32;
export const BLOCK_SHIFT = 5;

export const NONE = -1;

/** The number of bits that are set. */
export const popcount = (mask: number): number => {
  let m = mask - ((mask >>> 1) & 0x5555_5555);
  m = (m & 0x3333_3333) + ((m >>> 2) & 0x3333_3333);
  return Math.imul((m + (m >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
};

/** The smallest power of two that is not below n. */
export const nextPowerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(n));

/** The bits [from, from + count) of a block. */
export const bits = (from: number, count: number): number => (count >= BLOCK ? -1 : ((1 << count) - 1) << from);

/** Counts how many extents refer to a history of a queue's topic. */
export interface HistoryKeeper {
  share(queue: number, history: number): void;
  release(queue: number, history: number): void;
}

export class ExtentTable {
  /** All words of all extents; see the table above. Replaced when it grows: never keep a reference. */
  words = new Int32Array(INITIAL_EXTENTS << WORDS_SHIFT);
  /** When the time to live ends (0: never), or when dead messages died; milliseconds since 1970. */
  times = new Float64Array(INITIAL_EXTENTS);
  /**
   * Where messages stand in line, among those of their queue in their state: a number that each gets at the tail of a list, and
   * keeps in flight, so that what is given back has its place again. Pieces of one extent have the same. Ready, delayed and dead
   * messages are ordered by it, and within it by their ids' blocks.
   */
  places = new Float64Array(INITIAL_EXTENTS);
  /** What histories of its topic know of the failures of each extent's messages. Undefined: no message has ever failed. */
  #histories: Int32Array | undefined;
  #free = NONE;
  #used = 0;
  #live = 0;
  readonly #onGrow: (capacity: number) => void;

  /** `onGrow`: for tables that are indexed by extent as well (the timing wheel). `histories`: what histories count on. */
  constructor(
    onGrow: (capacity: number) => void,
    readonly histories: HistoryKeeper,
    readonly markSteps: number = MARK_STEPS,
  ) {
    this.#onGrow = onGrow;
    onGrow(INITIAL_EXTENTS);
  }

  get live(): number {
    return this.#live;
  }

  /** All extents in use are numbered below this. */
  get high(): number {
    return this.#used;
  }

  get capacity(): number {
    return this.times.length;
  }

  /** Memory of the table, with that of the timing wheel. */
  get bytes(): number {
    return this.capacity * ((4 << WORDS_SHIFT) + 8 + 8 + 24 + (this.#histories === undefined ? 0 : 4));
  }

  /** How much memory the table needs for so many more extents. */
  growthFor(extents: number): number {
    return this.#live + extents <= this.capacity ? 0 : this.bytes;
  }

  /** Goes back to the smallest table. No extent is in use. */
  reset(): void {
    this.words = new Int32Array(INITIAL_EXTENTS << WORDS_SHIFT);
    this.times = new Float64Array(INITIAL_EXTENTS);
    this.places = new Float64Array(INITIAL_EXTENTS);
    this.#histories = undefined;
    this.#free = NONE;
    this.#used = 0;
  }

  /** The history of an extent's messages, see `FailureHistories`; 0: they have not failed. */
  historyOf(extent: number): number {
    return this.#histories === undefined ? 0 : (this.#histories[extent] as number);
  }

  /** The extent refers to another history; that of before is not released. */
  setHistory(extent: number, history: number): void {
    if (this.#histories === undefined) {
      if (history === 0) return;
      this.#histories = new Int32Array(this.capacity);
    }
    this.#histories[extent] = history;
  }

  /** A new extent with every word 0 but its links. */
  allocate(): number {
    let extent = this.#free;
    if (extent !== NONE) {
      this.#free = this.words[(extent << WORDS_SHIFT) + NEXT] as number;
    } else {
      if (this.#used === this.capacity) this.#grow();
      extent = this.#used++;
    }
    this.#live++;
    const at = extent << WORDS_SHIFT;
    this.times[extent] = 0;
    this.places[extent] = 0;
    // A loop: for sixteen words it is faster than `fill`.
    for (let word = at; word < at + (1 << WORDS_SHIFT); word++) this.words[word] = 0;
    this.words[at + NEXT] = NONE;
    this.words[at + PREVIOUS] = NONE;
    this.words[at + CHAIN] = NONE;
    return extent;
  }

  free(extent: number): void {
    const at = extent << WORDS_SHIFT;
    const history = this.historyOf(extent);
    if (history !== 0) {
      this.histories.release(this.words[at + QUEUE] as number, history);
      this.setHistory(extent, 0);
    }
    this.words[at + STATUS] = State.FREE;
    this.words[at + NEXT] = this.#free;
    this.#free = extent;
    this.#live--;
  }

  get(extent: number, word: number): number {
    return this.words[(extent << WORDS_SHIFT) + word] as number;
  }

  set(extent: number, word: number, value: number): void {
    this.words[(extent << WORDS_SHIFT) + word] = value;
  }

  idHigh(extent: number): number {
    return this.get(extent, ID_HIGH) >>> 0;
  }

  idLow(extent: number): number {
    return this.get(extent, ID_LOW) >>> 0;
  }

  state(extent: number): number {
    return this.get(extent, STATUS) & 0xff;
  }

  reason(extent: number): number {
    return (this.get(extent, STATUS) >>> 8) & 0xff;
  }

  retry(extent: number): number {
    return this.get(extent, STATUS) >>> 16;
  }

  setStatus(extent: number, state: number, reason: number, retry: number): void {
    this.set(extent, STATUS, state | (reason << 8) | (retry << 16));
  }

  setState(extent: number, state: number): void {
    this.set(extent, STATUS, (this.get(extent, STATUS) & ~0xff) | state);
  }

  isFragment(extent: number): boolean {
    return this.get(extent, MASK) !== 0;
  }

  /** Whether an extent has its place before another one. */
  isBefore(extent: number, other: number): boolean {
    const place = this.places[extent] as number;
    const otherPlace = this.places[other] as number;
    if (place !== otherPlace) return place < otherPlace;
    // Pieces of one extent.
    return this.firstLow(extent) < this.firstLow(other);
  }

  /** The low word of the id of the first message in an extent. */
  firstLow(extent: number): number {
    const low = this.idLow(extent);
    if (!this.isFragment(extent)) return low;
    return ((low & ~(BLOCK - 1)) | (31 - Math.clz32(this.lowest(extent)))) >>> 0;
  }

  /** Which block of ids an extent lies in, or begins in. */
  block(extent: number): number {
    return this.idLow(extent) >>> BLOCK_SHIFT;
  }

  /** The first message of a fragment, as a bit. */
  lowest(fragment: number): number {
    const mask = this.get(fragment, MASK);
    return mask & -mask;
  }

  /** Those messages of a fragment that do not stand before the first one of another fragment of the same block, as a mask. */
  behind(fragment: number, other: number): number {
    return this.get(fragment, MASK) & ~(this.lowest(other) - 1);
  }

  /** Messages in an extent. */
  count(extent: number): number {
    const mask = this.get(extent, MASK);
    return mask === 0 ? this.get(extent, SPAN) : popcount(mask);
  }

  /** A copy with the same words, in no list and no chain. */
  clone(extent: number): number {
    const copy = this.allocate();
    const from = extent << WORDS_SHIFT;
    const to = copy << WORDS_SHIFT;
    this.words.copyWithin(to, from, from + NEXT);
    this.words[to + FLAGS] = this.words[from + FLAGS] as number;
    this.times[copy] = this.times[extent] as number;
    this.places[copy] = this.places[extent] as number;
    const history = this.historyOf(extent);
    if (history !== 0) {
      this.histories.share(this.words[from + QUEUE] as number, history);
      this.setHistory(copy, history);
    }
    return copy;
  }

  #grow(): void {
    const capacity = this.capacity * 2;
    const words = new Int32Array(capacity << WORDS_SHIFT);
    words.set(this.words);
    this.words = words;
    const times = new Float64Array(capacity);
    times.set(this.times);
    this.times = times;
    const places = new Float64Array(capacity);
    places.set(this.places);
    this.places = places;
    if (this.#histories !== undefined) {
      const histories = new Int32Array(capacity);
      histories.set(this.#histories);
      this.#histories = histories;
    }
    this.#onGrow(capacity);
  }
}
