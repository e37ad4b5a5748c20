/**
 * Memory of the reader's own, where a message lies outside the ring: one whose fragments are put together again, or a
 * payload that is copied out of shared memory once (see `COPIED_BYTES`). Of a fragmented message the envelope lies at 0,
 * the payload behind it at its phase. The memory grows to the longest message seen, stays, and is used for the next.
 */
import { copyBytes } from "./copy-bytes.js";
import { ALIGNMENT, align, MAX_ENVELOPE_BYTES } from "./ring.js";

const FIRST_BYTES = 64 * 1024;

export class FragmentBuffer {
  /** On the same memory as `#target`: what is handed out is not a Buffer, of which a `slice` is no copy. */
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  envelopeBytes = 0;
  /** The payload: [start, end) of `bytes`. */
  start = 0;
  end = 0;
  /** Between the first fragment of a message and its last: no other message may come. */
  isOpen = false;
  readonly #maxPayloadBytes: number;
  #target = Buffer.alloc(0);
  /** Where the next piece goes. */
  #at = 0;

  /** `maxPayloadBytes` bounds what comes in fragments: their announcement is all that is known of their size. */
  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** The payload of a message in one record: [start, end) of `source`. */
  whole(source: Uint8Array, start: number, end: number): void {
    this.start = start & (ALIGNMENT - 1);
    this.end = this.start + end - start;
    this.#reserve(this.end);
    copyBytes(this.#target, this.start, source, start, end);
  }

  /** Fragments of a message of these sizes follow. RangeError if it is longer than this end takes. */
  begin(envelopeBytes: number, payloadBytes: number, phase: number): void {
    if (this.isOpen) throw new Error("the ring is corrupt: a message within another");
    if (payloadBytes < 0 || payloadBytes > this.#maxPayloadBytes) {
      throw new RangeError(`a message of ${payloadBytes} bytes: the reader takes ${this.#maxPayloadBytes}`);
    }
    if (envelopeBytes < 0 || envelopeBytes > MAX_ENVELOPE_BYTES) {
      throw new RangeError(`an envelope of ${envelopeBytes} bytes: the ring carries ${MAX_ENVELOPE_BYTES}`);
    }
    this.isOpen = true;
    this.envelopeBytes = envelopeBytes;
    this.start = align(envelopeBytes) + phase;
    this.end = this.start + payloadBytes;
    this.#at = 0;
    this.#reserve(this.end);
  }

  /** The next piece: [start, end) of `source`. It is of the envelope, or of the payload, not of both. */
  append(source: Uint8Array, start: number, end: number): void {
    if (!this.isOpen) throw new Error("the ring is corrupt: a fragment without a beginning");
    const isEnvelope = this.#at < this.envelopeBytes;
    if (this.#at === this.envelopeBytes) this.#at = this.start;
    if (end - start > (isEnvelope ? this.envelopeBytes : this.end) - this.#at) {
      throw new Error("the ring is corrupt: more fragments than the message has bytes");
    }
    copyBytes(this.#target, this.#at, source, start, end);
    this.#at += end - start;
  }

  /** The last piece was that: the message lies in `bytes` until the next one lands. */
  finish(): void {
    const isWhole = this.#at === this.end || (this.start === this.end && this.#at === this.envelopeBytes);
    if (!isWhole) throw new Error("the ring is corrupt: a message ends before it is whole");
    this.isOpen = false;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    let capacity = Math.max(FIRST_BYTES, this.bytes.length);
    while (capacity < bytes) capacity *= 2;
    // Doubling would go past the longest message by half.
    const most = align(MAX_ENVELOPE_BYTES) + ALIGNMENT + this.#maxPayloadBytes;
    this.bytes = new Uint8Array(Math.max(bytes, Math.min(capacity, most)));
    this.view = new DataView(this.bytes.buffer);
    this.#target = Buffer.from(this.bytes.buffer);
  }
}
