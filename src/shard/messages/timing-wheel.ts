/**
 * A hierarchical timing wheel over small integer keys: O(1) to schedule and to cancel, whatever the number of timers.
 *
 * Time is cut into ticks of one millisecond. Level 0 has a bucket for each of the 32 ticks of the current window, level
 * 1 for each of 32 such windows, and so on: nine levels span 2^45 ms, a thousand years. A timer lies in the lowest level
 * whose window it shares with the present; when time enters a bucket of a higher level, its timers move down (they
 * cascade). With more buckets a level timers would move less often, but more of them at one moment.
 *
 * Buckets are doubly linked lists in the order of insertion, so that timers due in the same tick fire in the order in
 * which they were scheduled. A timer is a node of 24 bytes in one place: among a million each look is a cache miss.
 *
 * ```
 *  word  0  next in the bucket     2  bucket, or NONE     4  due, f64: milliseconds
 *        1  previous               3  unused
 * ```
 *
 * A timer never fires early: its tick is rounded up.
 */
const SLOTS = 32;
const LEVELS = 9;
const NONE = -1;

const NEXT = 0;
const PREVIOUS = 1;
const BUCKET = 2;
const NODE_WORDS = 6;
/** The due time of a node and its length, in units of eight bytes. */
const DUE = 2;
const NODE_TIMES = 3;

/** Later timers wait in the last bucket and are looked at again. Delays are at most ten years. */
const MAX_TICK = SLOTS ** LEVELS - 1;

export class TimingWheel {
  readonly #base: number;
  /** The tick up to which timers have fired. */
  #now = 0;
  #size = 0;
  /** A bucket whose cascade the budget cut short, or NONE: timers left in it may be due before those that moved. */
  #cascading = NONE;
  readonly #heads = new Int32Array(LEVELS * SLOTS).fill(NONE);
  readonly #tails = new Int32Array(LEVELS * SLOTS).fill(NONE);
  /** A bit for each bucket that is not empty: a word a level. */
  readonly #occupied = new Int32Array(LEVELS);
  /** The nodes: see the table above. */
  #nodes: Int32Array;
  /** The due times in the nodes: the same memory. */
  #times: Float64Array;

  /** `now`: milliseconds; times given later are on the same scale. */
  constructor(now: number, capacity = 64) {
    this.#base = Math.floor(now);
    this.#nodes = new Int32Array(capacity * NODE_WORDS).fill(NONE);
    this.#times = new Float64Array(this.#nodes.buffer);
  }

  get size(): number {
    return this.#size;
  }

  /** Makes room for keys below `capacity`. */
  grow(capacity: number): void {
    const held = this.#nodes;
    if (capacity * NODE_WORDS <= held.length) return;
    this.#nodes = new Int32Array(capacity * NODE_WORDS).fill(NONE, held.length);
    this.#nodes.set(held);
    this.#times = new Float64Array(this.#nodes.buffer);
  }

  /** Gives back the room for keys of `capacity` and above. No timer may be scheduled. */
  shrink(capacity: number): void {
    this.#nodes = new Int32Array(capacity * NODE_WORDS).fill(NONE);
    this.#times = new Float64Array(this.#nodes.buffer);
  }

  isScheduled(key: number): boolean {
    return this.#nodes[key * NODE_WORDS + BUCKET] !== NONE;
  }

  /** When a scheduled key is due; for another key, when it last was. */
  dueOf(key: number): number {
    return this.#times[key * NODE_TIMES + DUE] as number;
  }

  /** Schedules a key, or moves it. A time that has passed fires on the next `advance`. */
  schedule(key: number, due: number): void {
    if (this.isScheduled(key)) this.#unlink(key);
    else this.#size++;
    this.#times[key * NODE_TIMES + DUE] = due;
    this.#link(key);
  }

  /** Takes a key out; nothing happens when it is not scheduled. */
  cancel(key: number): void {
    if (!this.isScheduled(key)) return;
    this.#unlink(key);
    this.#nodes[key * NODE_WORDS + BUCKET] = NONE;
    this.#size--;
  }

  /**
   * Fires what is due at `now`, in the order of the due ticks. Stops after about `budget` timers fired or moved, so
   * that a million timers of one instant do not hold up everything else: true says that there is more, call again.
   */
  advance(now: number, fire: (key: number) => void, budget: number): boolean {
    const target = Math.floor(now) - this.#base;
    let left = budget;
    while (this.#size > 0) {
      const bucket = this.#firstBucket();
      const start = this.#startOf(bucket);
      if (start > target) break;
      // A cascade may find that time is already past the start of the window.
      if (start > this.#now) this.#now = start;
      for (let key = this.#heads[bucket] as number; key !== NONE; key = this.#heads[bucket] as number) {
        if (left-- <= 0) {
          if (bucket >= SLOTS) this.#cascading = bucket;
          return true;
        }
        this.#unlink(key);
        if (bucket < SLOTS) {
          this.#nodes[key * NODE_WORDS + BUCKET] = NONE;
          this.#size--;
          fire(key);
        } else {
          this.#link(key);
        }
      }
    }
    if (target > this.#now) this.#now = target;
    return false;
  }

  /** When `advance` next has something to do (never later than the first timer's due time); Infinity: nothing. */
  nextDue(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#base + this.#startOf(this.#firstBucket());
  }

  /** Throws when lists, bits and counts contradict one another. */
  invariants(): void {
    let linked = 0;
    for (let bucket = 0; bucket < LEVELS * SLOTS; bucket++) {
      const level = Math.floor(bucket / SLOTS);
      const bit = ((this.#occupied[level] as number) >>> (bucket % SLOTS)) & 1;
      if ((this.#heads[bucket] !== NONE) !== (bit === 1)) throw new Error(`wheel: bucket ${bucket} and its bit differ`);
      let previous = NONE;
      for (
        let key = this.#heads[bucket] as number;
        key !== NONE;
        key = this.#nodes[key * NODE_WORDS + NEXT] as number
      ) {
        if (this.#nodes[key * NODE_WORDS + BUCKET] !== bucket)
          throw new Error(`wheel: key ${key} is linked in bucket ${bucket}`);
        if (this.#nodes[key * NODE_WORDS + PREVIOUS] !== previous)
          throw new Error(`wheel: key ${key} has a wrong predecessor`);
        previous = key;
        linked++;
      }
      if (this.#tails[bucket] !== previous) throw new Error(`wheel: bucket ${bucket} has a wrong tail`);
    }
    if (linked !== this.#size) throw new Error(`wheel: ${linked} linked, ${this.#size} counted`);
  }

  #link(key: number): void {
    const tick = Math.min(Math.max(Math.ceil(this.dueOf(key)) - this.#base, this.#now), MAX_TICK);
    let level = 0;
    let width = 1;
    while (Math.floor(tick / (width * SLOTS)) !== Math.floor(this.#now / (width * SLOTS))) {
      level++;
      width *= SLOTS;
    }
    const slot = Math.floor(tick / width) % SLOTS;
    const bucket = level * SLOTS + slot;
    const tail = this.#tails[bucket] as number;
    const node = key * NODE_WORDS;
    this.#nodes[node + BUCKET] = bucket;
    this.#nodes[node + PREVIOUS] = tail;
    this.#nodes[node + NEXT] = NONE;
    this.#tails[bucket] = key;
    if (tail === NONE) {
      this.#heads[bucket] = key;
      this.#occupied[level] = (this.#occupied[level] as number) | (1 << slot);
    } else {
      this.#nodes[tail * NODE_WORDS + NEXT] = key;
    }
  }

  #unlink(key: number): void {
    const node = key * NODE_WORDS;
    const bucket = this.#nodes[node + BUCKET] as number;
    const next = this.#nodes[node + NEXT] as number;
    const previous = this.#nodes[node + PREVIOUS] as number;
    if (previous === NONE) this.#heads[bucket] = next;
    else this.#nodes[previous * NODE_WORDS + NEXT] = next;
    if (next === NONE) this.#tails[bucket] = previous;
    else this.#nodes[next * NODE_WORDS + PREVIOUS] = previous;
    if (this.#heads[bucket] === NONE) {
      if (bucket === this.#cascading) this.#cascading = NONE;
      const level = Math.floor(bucket / SLOTS);
      this.#occupied[level] = (this.#occupied[level] as number) & ~(1 << (bucket % SLOTS));
    }
  }

  /**
   * The bucket whose time comes first: a lower level comes before a higher one, but for what is left of a cascade.
   * Asserts that there is one.
   */
  #firstBucket(): number {
    if (this.#cascading !== NONE) return this.#cascading;
    for (let level = 0; level < LEVELS; level++) {
      const occupied = this.#occupied[level] as number;
      if (occupied !== 0) return level * SLOTS + 31 - Math.clz32(occupied & -occupied);
    }
    throw new Error("wheel: no bucket although timers are counted");
  }

  /** The first tick of a bucket in the present window of its level. */
  #startOf(bucket: number): number {
    const level = Math.floor(bucket / SLOTS);
    const width = SLOTS ** level;
    const window = width * SLOTS;
    return Math.floor(this.#now / window) * window + (bucket % SLOTS) * width;
  }
}
