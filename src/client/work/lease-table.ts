/**
 * The leases that a worker has in hand, where another thread can read them: one row for each handler that may run.
 *
 * ```
 *  table  0 watched i32 | 8 … rows
 *  row    0 ticket i32 | 4 line i32 | 8 id high u32 | 12 id low u32 | 16 delivery u32 | 24 deadline f64 | 32 start f64   40 bytes
 * ```
 *
 * Only the worker's thread writes rows. Times are those of its clock, in milliseconds.
 */

export const NO_TICKET = 0;

/** Of a row without a lease, which is there for the time of its handler. */
export const NO_LINE = 0;

const WATCHED = 0;
const HEAD_BYTES = 8;
const ROW_BYTES = 40;

// In words of 4 bytes.
const ROW_WORDS = ROW_BYTES / 4;
const TICKET = HEAD_BYTES / 4;
const LINE = TICKET + 1;
const ID_HIGH = TICKET + 2;
const ID_LOW = TICKET + 3;
const DELIVERY = TICKET + 4;

// In words of 8 bytes.
const ROW_DOUBLES = ROW_BYTES / 8;
const DEADLINE = (HEAD_BYTES + 24) / 8;
const START = (HEAD_BYTES + 32) / 8;

const LAST_TICKET = 2 ** 31 - 1;

/** A page on the web may have no memory that it can share; then there is no other thread either. */
const memoryFor = (bytes: number): ArrayBufferLike =>
  typeof SharedArrayBuffer === "function" ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);

export class LeaseTable {
  readonly rows: number;
  readonly memory: ArrayBufferLike;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  #ticket = NO_TICKET;

  private constructor(memory: ArrayBufferLike) {
    this.memory = memory;
    this.rows = (memory.byteLength - HEAD_BYTES) / ROW_BYTES;
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
  }

  static ofRows(rows: number): LeaseTable {
    return new LeaseTable(memoryFor(HEAD_BYTES + rows * ROW_BYTES));
  }

  /** The table that another thread has made. */
  static over(memory: ArrayBufferLike): LeaseTable {
    return new LeaseTable(memory);
  }

  /** Writes a free row. Returns its ticket, which no other row has had for long. */
  hold(
    row: number,
    line: number,
    idHigh: number,
    idLow: number,
    delivery: number,
    deadline: number,
    start: number,
  ): number {
    const at = row * ROW_WORDS;
    const words = this.#words;
    words[at + LINE] = line;
    words[at + ID_HIGH] = idHigh;
    words[at + ID_LOW] = idLow;
    words[at + DELIVERY] = delivery;
    const doubles = row * ROW_DOUBLES;
    this.#doubles[doubles + DEADLINE] = deadline;
    this.#doubles[doubles + START] = start;
    this.#ticket = this.#ticket === LAST_TICKET ? 1 : this.#ticket + 1;
    // Releases what was written above: who loads this ticket sees the row that belongs to it.
    Atomics.store(words, at + TICKET, this.#ticket);
    return this.#ticket;
  }

  /** The row is free. */
  free(row: number): void {
    Atomics.store(this.#words, row * ROW_WORDS + TICKET, NO_TICKET);
  }

  /**
   * The ticket of a row; NO_TICKET: it is free. What is read of the row after this belongs to it if the ticket is still the
   * same then. If it is not, what was read may be of two messages: all that it is good for is judged by this ticket, which
   * the row's owner does not know any more.
   */
  ticket(row: number): number {
    return Atomics.load(this.#words, row * ROW_WORDS + TICKET);
  }

  line(row: number): number {
    return this.#words[row * ROW_WORDS + LINE] ?? NO_LINE;
  }

  idHigh(row: number): number {
    return (this.#words[row * ROW_WORDS + ID_HIGH] ?? 0) >>> 0;
  }

  idLow(row: number): number {
    return (this.#words[row * ROW_WORDS + ID_LOW] ?? 0) >>> 0;
  }

  delivery(row: number): number {
    return (this.#words[row * ROW_WORDS + DELIVERY] ?? 0) >>> 0;
  }

  /** When the lease ends, as it was when the row was written. */
  deadline(row: number): number {
    return this.#doubles[row * ROW_DOUBLES + DEADLINE] ?? 0;
  }

  /** When the handler began. */
  start(row: number): number {
    return this.#doubles[row * ROW_DOUBLES + START] ?? 0;
  }

  /**
   * Whether somebody looks at the rows now and then. Loaded after a row was written, and stored before the last look at the
   * rows: of a row that is written meanwhile either its writer learns that nobody looks, or the last look sees it.
   */
  get isWatched(): boolean {
    return Atomics.load(this.#words, WATCHED) !== 0;
  }

  set isWatched(value: boolean) {
    Atomics.store(this.#words, WATCHED, value ? 1 : 0);
  }
}
