/**
 * The ring: carries bytes from one thread to another through shared memory. One writer, one reader, no locks, after
 * Agrona's `OneToOneRingBuffer`. `RingWriter` and `RingReader` are its two ends, `Doorbell` wakes the other end, and
 * this file describes the layout.
 *
 * ```
 *  bytes   0        128      256             384             512                      512 + capacity
 *          +--------+--------+---------------+---------------+------------------------+
 *          | tail   | head   | reader's bell | writer's bell | records                |
 *          +--------+--------+---------------+---------------+------------------------+
 *   written by
 *          writer   reader   both, rarely    both, rarely    writer
 * ```
 *
 * **Counters.** `tail` counts the bytes ever written, `head` the bytes ever given back. Both are 32-bit and wrap. Only
 * their difference, `(tail - head) | 0`, has a meaning; it is exact because it never exceeds the capacity, at most
 * 2^30. Their low bits are the position in the ring. 64-bit counters would have to be BigInts, one allocation per read.
 * Each end keeps its own counter in a field and a copy of the other's, and reads the other's cache line only when its
 * copy says that there is nothing to read or no space.
 *
 * **Commit.** A record can be read once `tail` has passed it, and not before: the writer fills it with plain stores and
 * then moves `tail` with an atomic one; the reader loads `tail` atomically and then reads what is below with plain
 * loads. So the length word of a record needs no atomic access, and freed memory needs no zeroing: nothing above
 * `tail`, old lengths included, is ever read. (In Agrona producers claim first and fill later, so the length word is
 * the commit, at the price of zeroing.) A writer that dies in the middle of a record leaves no trace of it.
 *
 * **Records** begin at multiples of 8 and do not wrap: where a record would pass the end of the ring, padding fills the
 * rest. No record is longer than an eighth of the ring. So a record with the padding before it always fits into half of
 * the ring, and a sleeping writer is woken when the ring is at most half full: whatever it holds will fit, and it has
 * half a ring to fill before it sleeps again.
 *
 * ```
 *  0            4            8            8+e       o             length    multiple of 8
 *  +------------+------------+------------+---------+-------------+- - - - -+
 *  | length i32 | word i32   | envelope e | gap 0–7 | payload     |         |      both integers in the machine's order
 *  +------------+------------+------------+---------+-------------+- - - - -+
 *   word, bits 0–23    e: bytes of envelope in this record
 *         bits 24–26   phase: o modulo 8
 *         bit 28       BEGIN: the first record of a message
 *         bit 29       END: the last; a message in one record has both
 *         bit 30       PADDING: nothing to read
 * ```
 *
 * **Phase.** A payload has the same offset modulo 8 in the ring as in the memory it came from. A long one is copied out
 * at its phase before it goes to the handler: `copy-bytes.ts` says why.
 *
 * **Fragments.** A message that does not fit into one record is sent in several: the BEGIN record has its two sizes,
 * then pieces of the envelope and of the payload follow, never both in one record.
 *
 * ```
 *  BEGIN without END:  8: envelope bytes i32 | 12: payload bytes i32 | 16: the first piece of the envelope
 * ```
 */

const CACHE_LINE_WORDS = 32; // Two lines of 64 bytes: processors fetch them in pairs.

/** Header words, as indices into an Int32Array over the whole buffer. */
export const TAIL = 0;
export const HEAD = CACHE_LINE_WORDS;
export const READER_BELL = 2 * CACHE_LINE_WORDS;
export const WRITER_BELL = 3 * CACHE_LINE_WORDS;

/** Where the records begin, in bytes. */
export const RECORDS = 4 * CACHE_LINE_WORDS * Int32Array.BYTES_PER_ELEMENT;

/** Offsets within a record, in bytes. */
export const LENGTH = 0;
export const WORD = 4;
export const DATA = 8;
export const ENVELOPE_TOTAL = 8;
export const PAYLOAD_TOTAL = 12;
export const FIRST_PIECE = 16;

/** Masks of a record's word. */
export const ENVELOPE_BYTES = 0x00ff_ffff;
export const PHASE_SHIFT = 24;
export const BEGIN = 1 << 28;
export const END = 1 << 29;
export const PADDING = 1 << 30;

/** Records begin at multiples of this many bytes; phases are counted modulo it. */
export const ALIGNMENT = 8;

/** Smallest capacity: a record still holds its header, the sizes of a message and some of its bytes. */
export const MIN_CAPACITY = 1024;

/** Largest capacity: the difference of two counters must be a positive i32. */
export const MAX_CAPACITY = 2 ** 30;

/** Longest envelope: its op, and the 65,536 subscribers a shard may have, at 9 bytes each. */
export const MAX_ENVELOPE_BYTES = 640 * 1024;

/** A ring's memory: post it to a worker, and create a `RingWriter` on one thread and a `RingReader` on the other. */
export interface RingMemory {
  readonly buffer: SharedArrayBuffer;
  /** Bytes of records. */
  readonly capacity: number;
}

export const align = (bytes: number): number => (bytes + (ALIGNMENT - 1)) & -ALIGNMENT;

/** The first offset at or after `at` that has this phase. */
export const atPhase = (at: number, phase: number): number => at + ((phase - at) & (ALIGNMENT - 1));

const isCapacity = (capacity: number): boolean =>
  Number.isInteger(Math.log2(capacity)) && capacity >= MIN_CAPACITY && capacity <= MAX_CAPACITY;

/**
 * Memory for an empty ring of `capacity` bytes, a power of two from 1 KiB to 1 GiB; RangeError otherwise. `origin` is
 * the initial value of the counters, a multiple of 8: tests start them just below their wrap.
 */
export const allocateRing = (capacity: number, origin = 0): RingMemory => {
  if (!isCapacity(capacity)) {
    throw new RangeError(`ring capacity ${capacity} is not a power of two from ${MIN_CAPACITY} to ${MAX_CAPACITY}`);
  }
  if (origin % ALIGNMENT !== 0) throw new RangeError(`ring origin ${origin} is not a multiple of ${ALIGNMENT}`);
  const buffer = new SharedArrayBuffer(RECORDS + capacity);
  const words = new Int32Array(buffer);
  words[TAIL] = origin;
  words[HEAD] = origin;
  return { buffer, capacity };
};

/** The views of a ring's memory; RangeError if `allocateRing` did not make it. */
export const mapRing = ({ buffer, capacity }: RingMemory) => {
  if (!isCapacity(capacity) || buffer.byteLength !== RECORDS + capacity) {
    throw new RangeError(`not the memory of a ring: ${buffer.byteLength} bytes, capacity ${capacity}`);
  }
  return {
    words: new Int32Array(buffer),
    /** The records, for handlers. Not a Buffer, because a `slice` of a Buffer is not a copy. */
    bytes: new Uint8Array(buffer, RECORDS, capacity),
    /** The records, for writing. */
    target: Buffer.from(buffer, RECORDS, capacity),
    /** The records as words, for their headers. */
    headers: new Int32Array(buffer, RECORDS, capacity / Int32Array.BYTES_PER_ELEMENT),
    capacity,
    /** The longest record, header and padding included. */
    maxRecordBytes: capacity / 8,
  };
};
