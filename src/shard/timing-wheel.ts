/**
 * A hierarchical timing wheel over small integer keys: O(1) to schedule and to cancel, whatever the number of timers.
 *
 * Time is cut into ticks of one millisecond. Level 0 has a bucket for each of the 64 ticks of the current window, level
 * 1 for each of 64 such windows, and so on: seven levels span 2^42 ms, 139 years. A timer lies in the lowest level
 * whose window it shares with the present; when time enters a bucket of a higher level, its timers move down (they
 * cascade). Buckets are doubly linked lists in typed arrays, in the order of insertion, so that timers due in the same
 * tick fire in the order in which they were scheduled.
 *
 * A timer never fires early: its tick is rounded up.
 */
const SLOTS = 64;
const LEVELS = 7;
const NONE = -1;
/** Past this a timer waits in the last bucket and is looked at again: the wheel spans 139 years, delays 10. */
const MAX_TICK = SLOTS ** LEVELS - 1;

export class TimingWheel {
  readonly #base: number;
  /** The tick up to which time has been played. */
  #now = 0;
  #size = 0;
  /** A bucket whose cascade the budget cut short, or NONE: what is left in it may be due before all that has moved. */
  #cascading = NONE;
  readonly #heads = new Int32Array(LEVELS * SLOTS).fill(NONE);
  readonly #tails = new Int32Array(LEVELS * SLOTS).fill(NONE);
  /** A bit for each bucket that is not empty: two words a level. */
  readonly #occupied = new Int32Array(LEVELS * 2);
  #next: Int32Array;
  #previous: Int32Array;
  /** The bucket of a key, or NONE when the key is not scheduled. */
  #bucket: Int16Array;
  #due: Float64Array;

  /** `now`: milliseconds; times given later are on the same scale. */
  constructor(now: number, capacity = 64) {
    this.#base = Math.floor(now);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#bucket = new Int16Array(capacity).fill(NONE);
    this.#due = new Float64Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Makes room for keys below `capacity`. */
  grow(capacity: number): void {
    const held = this.#next.length;
    if (capacity <= held) return;
    const copy = <T extends Int32Array | Int16Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#next = copy(this.#next, new Int32Array(capacity));
    this.#previous = copy(this.#previous, new Int32Array(capacity));
    this.#bucket = copy(this.#bucket, new Int16Array(capacity)).fill(NONE, held);
    this.#due = copy(this.#due, new Float64Array(capacity));
  }

  isScheduled(key: number): boolean {
    return this.#bucket[key] !== NONE;
  }

  /** When a scheduled key is due; of another key, when it last was. */
  dueOf(key: number): number {
    return this.#due[key] as number;
  }

  /** Schedules a key, or moves it. A time that has passed fires on the next `advance`. */
  schedule(key: number, due: number): void {
    if (this.#bucket[key] !== NONE) this.#unlink(key);
    else this.#size++;
    this.#due[key] = due;
    this.#link(key);
  }

  /** Takes a key out; nothing happens when it is not scheduled. */
  cancel(key: number): void {
    if (this.#bucket[key] === NONE) return;
    this.#unlink(key);
    this.#bucket[key] = NONE;
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
          this.#bucket[key] = NONE;
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
      const bit = ((this.#occupied[level * 2 + ((bucket % SLOTS) >> 5)] as number) >>> (bucket & 31)) & 1;
      if ((this.#heads[bucket] !== NONE) !== (bit === 1)) throw new Error(`wheel: bucket ${bucket} and its bit differ`);
      let previous = NONE;
      for (let key = this.#heads[bucket] as number; key !== NONE; key = this.#next[key] as number) {
        if (this.#bucket[key] !== bucket) throw new Error(`wheel: key ${key} is linked in bucket ${bucket}`);
        if (this.#previous[key] !== previous) throw new Error(`wheel: key ${key} has a wrong predecessor`);
        previous = key;
        linked++;
      }
      if (this.#tails[bucket] !== previous) throw new Error(`wheel: bucket ${bucket} has a wrong tail`);
    }
    if (linked !== this.#size) throw new Error(`wheel: ${linked} linked, ${this.#size} counted`);
  }

  #link(key: number): void {
    const tick = Math.min(Math.max(Math.ceil(this.#due[key] as number) - this.#base, this.#now), MAX_TICK);
    let level = 0;
    let width = 1;
    while (Math.floor(tick / (width * SLOTS)) !== Math.floor(this.#now / (width * SLOTS))) {
      level++;
      width *= SLOTS;
    }
    const slot = Math.floor(tick / width) % SLOTS;
    const bucket = level * SLOTS + slot;
    const tail = this.#tails[bucket] as number;
    this.#bucket[key] = bucket;
    this.#previous[key] = tail;
    this.#next[key] = NONE;
    this.#tails[bucket] = key;
    if (tail === NONE) {
      this.#heads[bucket] = key;
      const word = level * 2 + (slot >> 5);
      this.#occupied[word] = (this.#occupied[word] as number) | (1 << (slot & 31));
    } else {
      this.#next[tail] = key;
    }
  }

  #unlink(key: number): void {
    const bucket = this.#bucket[key] as number;
    const next = this.#next[key] as number;
    const previous = this.#previous[key] as number;
    if (previous === NONE) this.#heads[bucket] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tails[bucket] = previous;
    else this.#previous[next] = previous;
    if (this.#heads[bucket] === NONE) {
      if (bucket === this.#cascading) this.#cascading = NONE;
      const slot = bucket % SLOTS;
      const word = Math.floor(bucket / SLOTS) * 2 + (slot >> 5);
      this.#occupied[word] = (this.#occupied[word] as number) & ~(1 << (slot & 31));
    }
  }

  /**
   * The bucket whose time comes first: a lower level comes before a higher one, but for what is left of a cascade.
   * Asserts that there is one.
   */
  #firstBucket(): number {
    if (this.#cascading !== NONE) return this.#cascading;
    for (let level = 0; level < LEVELS; level++) {
      const low = this.#occupied[level * 2] as number;
      if (low !== 0) return level * SLOTS + 31 - Math.clz32(low & -low);
      const high = this.#occupied[level * 2 + 1] as number;
      if (high !== 0) return level * SLOTS + 63 - Math.clz32(high & -high);
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
