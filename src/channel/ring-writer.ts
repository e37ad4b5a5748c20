/** The writing end of a ring. */
import { copyBytes } from "./copy-bytes.js";
import { Doorbell, ring } from "./doorbell.js";
import type { MessageWriter } from "./ends.js";
import {
  ALIGNMENT,
  align,
  atPhase,
  BEGIN,
  DATA,
  END,
  ENVELOPE_TOTAL,
  FIRST_PIECE,
  HEAD,
  LENGTH,
  MAX_ENVELOPE_BYTES,
  mapRing,
  PADDING,
  PAYLOAD_TOTAL,
  PHASE_SHIFT,
  READER_BELL,
  type RingMemory,
  TAIL,
  WORD,
  WRITER_BELL,
} from "./ring.js";

const NO_ROOM = -1;

/** A message some of whose fragments are in the ring. */
interface Unfinished {
  readonly envelope: Uint8Array;
  readonly payloadBytes: number;
  /** Bytes written: of the envelope first, then of the payload. */
  taken: number;
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

export class RingWriter implements MessageWriter {
  /** The longest record in bytes, header included. Longer messages are fragmented. */
  readonly maxRecordBytes: number;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #target: Buffer<SharedArrayBuffer>;
  readonly #headers: Int32Array<SharedArrayBuffer>;
  readonly #capacity: number;
  readonly #doorbell: Doorbell;
  /** Ahead of the shared counter while a record is being filled. */
  #tail: number;
  /** The reader's counter when last read. It only increases, so there is at least this much space. */
  #head: number;
  #unfinished: Unfinished | undefined;

  /** `spins`: how often `waitWritable` checks before it sleeps; 0 unless measured to be better. */
  constructor(memory: RingMemory, options: { readonly spins?: number } = {}) {
    const { words, target, headers, capacity, maxRecordBytes } = mapRing(memory);
    this.maxRecordBytes = maxRecordBytes;
    this.#words = words;
    this.#target = target;
    this.#headers = headers;
    this.#capacity = capacity;
    this.#tail = Atomics.load(words, TAIL);
    this.#head = Atomics.load(words, HEAD);
    this.#doorbell = new Doorbell(words, WRITER_BELL, () => this.#isWritable(), options.spins ?? 0);
  }

  /**
   * Writes a message: an envelope, and [start, end) of `payload`. True: all of it was written, and both may be reused
   * at once. False: there is no space. A message longer than a record may then be partly written: call again with the
   * same bytes (at any address) before any other message, and it continues. A message that is never completed blocks
   * the ring. Wakes a sleeping reader.
   *
   * @throws RangeError for a range outside the payload, or an envelope that is empty or above 640 KiB; Error for
   * another message while one is unfinished.
   */
  tryWrite(envelope: Uint8Array, payload: Uint8Array, start: number, end: number): boolean {
    if (!(start >= 0 && start <= end && end <= payload.length)) {
      throw new RangeError(`[${start}, ${end}) is not within a payload of ${payload.length} bytes`);
    }
    if (envelope.length === 0 || envelope.length > MAX_ENVELOPE_BYTES) {
      throw new RangeError(`an envelope of ${envelope.length} bytes: it has 1 to ${MAX_ENVELOPE_BYTES}`);
    }
    const payloadBytes = end - start;
    const envelopeEnd = DATA + envelope.length;
    const phase = (payload.byteOffset + start) & (ALIGNMENT - 1);
    const offset = atPhase(envelopeEnd, phase);
    const length = offset + payloadBytes;
    if (length > this.maxRecordBytes || this.#unfinished !== undefined) {
      return this.#writeFragments(envelope, payload, start, end, phase);
    }

    const at = this.#claim(length);
    if (at === NO_ROOM) return false;
    this.#header(at, length, BEGIN | END | (phase << PHASE_SHIFT) | envelope.length);
    copyBytes(this.#target, at + DATA, envelope, 0, envelope.length);
    copyBytes(this.#target, at + offset, payload, start, end);
    this.#publish();
    return true;
  }

  /** Everything written has been read. */
  get isRead(): boolean {
    return Atomics.load(this.#words, HEAD) === this.#tail;
  }

  get unreadBytes(): number {
    return (this.#tail - Atomics.load(this.#words, HEAD)) | 0;
  }

  /** For a thread with an event loop: resolves when any record fits, at once if it does now. */
  whenWritable(): Promise<void> {
    return this.#doorbell.whenReady();
  }

  /**
   * For a thread that may block: waits until any record fits, at most `timeoutMs` milliseconds (Infinity: no limit).
   */
  waitWritable(timeoutMs: number): void {
    this.#doorbell.sleep(timeoutMs);
  }

  /** Publishes each fragment by itself, so the reader takes the first while the next is being written. */
  #writeFragments(envelope: Uint8Array, payload: Uint8Array, start: number, end: number, phase: number): boolean {
    const payloadBytes = end - start;
    const message = this.#unfinished ?? this.#begin(envelope, payloadBytes, phase);
    if (message === undefined) return false;
    if (message.payloadBytes !== payloadBytes || !isEqual(message.envelope, envelope)) {
      throw new Error("another message is unfinished");
    }
    const total = envelope.length + payloadBytes;
    while (message.taken < total) {
      const isEnvelope = message.taken < envelope.length;
      const source = isEnvelope ? envelope : payload;
      const from = isEnvelope ? message.taken : start + message.taken - envelope.length;
      const offset = isEnvelope ? DATA : atPhase(DATA, phase);
      // A multiple of 8, so that all fragments of a payload keep its phase.
      const piece = Math.min(this.maxRecordBytes - DATA - ALIGNMENT, (isEnvelope ? envelope.length : end) - from);
      const at = this.#claim(offset + piece);
      if (at === NO_ROOM) return false;
      const last = message.taken + piece === total ? END : 0;
      this.#header(at, offset + piece, last | (phase << PHASE_SHIFT) | (isEnvelope ? piece : 0));
      copyBytes(this.#target, at + offset, source, from, from + piece);
      this.#publish();
      message.taken += piece;
    }
    this.#unfinished = undefined;
    return true;
  }

  /** Writes the BEGIN record of a fragmented message. Undefined: there is no space for it. */
  #begin(envelope: Uint8Array, payloadBytes: number, phase: number): Unfinished | undefined {
    const piece = Math.min(this.maxRecordBytes - FIRST_PIECE, envelope.length);
    const at = this.#claim(FIRST_PIECE + piece);
    if (at === NO_ROOM) return undefined;
    this.#header(at, FIRST_PIECE + piece, BEGIN | (phase << PHASE_SHIFT) | piece);
    this.#headers[(at + ENVELOPE_TOTAL) >> 2] = envelope.length;
    this.#headers[(at + PAYLOAD_TOTAL) >> 2] = payloadBytes;
    copyBytes(this.#target, at + FIRST_PIECE, envelope, 0, piece);
    this.#publish();
    // Not `slice`: msgpackr makes Buffers, and the `slice` of a Buffer is not a copy.
    this.#unfinished = { envelope: new Uint8Array(envelope), payloadBytes, taken: piece };
    return this.#unfinished;
  }

  /** Claims space for a record, after padding if it would pass the end of the ring. Returns its offset, or NO_ROOM. */
  #claim(length: number): number {
    const size = align(length);
    const at = this.#tail & (this.#capacity - 1);
    const rest = this.#capacity - at;
    const padding = size > rest ? rest : 0;
    const need = padding + size;
    if (need > this.#capacity - ((this.#tail - this.#head) | 0)) {
      // Acquire: the reader's last access to the memory comes before it gives the memory back.
      this.#head = Atomics.load(this.#words, HEAD);
      if (need > this.#capacity - ((this.#tail - this.#head) | 0)) return NO_ROOM;
    }
    this.#tail = (this.#tail + need) | 0;
    if (padding === 0) return at;
    this.#header(at, padding, PADDING);
    return 0;
  }

  #header(at: number, length: number, word: number): void {
    this.#headers[(at + LENGTH) >> 2] = length;
    this.#headers[(at + WORD) >> 2] = word;
  }

  #publish(): void {
    // Release: the record is complete before the reader can see it. Sequentially consistent because of the bell.
    Atomics.store(this.#words, TAIL, this.#tail);
    ring(this.#words, READER_BELL);
  }

  #isWritable(): boolean {
    // Sequentially consistent: it is read again after ASLEEP is stored.
    this.#head = Atomics.load(this.#words, HEAD);
    return ((this.#tail - this.#head) | 0) <= this.#capacity / 2;
  }
}
