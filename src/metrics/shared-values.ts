/**
 * Numbers that one thread publishes and another reads, in shared memory: counters and gauges of a shard, read at a scrape
 * that costs the shard nothing.
 *
 * ```
 *  word 0      VERSION   odd while the values are written
 *  word 1      unused
 *  word 2 + 2i, 3 + 2i   value i: the two halves of a float64, in the machine's order
 * ```
 *
 * A float64 in shared memory may tear, and two of them may be of different times. So the writer keeps its own copy, and
 * publishes all of it at once between two steps of VERSION (a sequence lock); the reader takes the words and looks whether
 * VERSION is what it was. All accesses are atomic, hence in one order for both threads, and no fence is missing.
 */

const VERSION = 0;
const FIRST = 2;

/** Words of a value. */
const WORDS = 2;

/** A write takes microseconds. Whoever sees one this often sees a thread that has ended, or was suspended, within it. */
const MAX_TRIES = 100;

/** Bytes for so many values. */
export const sharedValuesBytes = (count: number): number => (FIRST + WORDS * count) * Int32Array.BYTES_PER_ELEMENT;

/** The writing thread's side. */
export class SharedValuesWriter {
  /**
   * What the next `publish` publishes. It begins with what the last writer published, so that the next life of a shard counts on;
   * with zeros if that one has ended within a write.
   */
  readonly values: Float64Array;
  readonly #words: Int32Array;
  readonly #shared: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Int32Array(memory);
    this.values = new SharedValuesReader(memory).read();
    this.#words = new Int32Array(this.values.buffer);
    // A writer that has ended within a write left it odd.
    if ((Atomics.load(this.#shared, VERSION) & 1) === 1) Atomics.add(this.#shared, VERSION, 1);
  }

  publish(): void {
    const words = this.#words;
    const shared = this.#shared;
    Atomics.add(shared, VERSION, 1);
    for (let i = 0; i < words.length; i++) Atomics.store(shared, FIRST + i, words[i] as number);
    Atomics.add(shared, VERSION, 1);
  }
}

/** The reading thread's side. */
export class SharedValuesReader {
  readonly #shared: Int32Array;
  readonly #values: Float64Array;
  readonly #words: Int32Array;
  /** What was read and may be torn. */
  readonly #read: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Int32Array(memory);
    this.#values = new Float64Array((this.#shared.length - FIRST) / WORDS);
    this.#read = this.#values.slice();
    this.#words = new Int32Array(this.#read.buffer);
  }

  /**
   * What was published last, all of one moment; while the writer is stuck within a write, what was read before, at first zeros.
   * Good until the next call.
   */
  read(): Float64Array {
    const shared = this.#shared;
    const words = this.#words;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const version = Atomics.load(shared, VERSION);
      for (let i = 0; i < words.length; i++) words[i] = Atomics.load(shared, FIRST + i);
      if ((version & 1) === 1 || Atomics.load(shared, VERSION) !== version) continue;
      this.#values.set(this.#read);
      break;
    }
    return this.#values;
  }
}
