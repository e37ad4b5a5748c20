/**
 * The reader's own memory for messages outside the ring: one that is reassembled from fragments, or a payload that is
 * copied out of shared memory (see `COPIED_BYTES`). The envelope of a fragmented message is at 0, its payload follows
 * at its phase. The buffer grows to the longest message seen and is reused.
 */
import { copyBytes } from "./copy-bytes.js";
import { ALIGNMENT, align, MAX_ENVELOPE_BYTES } from "./ring.js";

const FIRST_BYTES = 64 * 1024;

export class FragmentBuffer {
  /** The same memory as `#target`. Handlers get this one because a `slice` of a Buffer is not a copy. */
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  envelopeBytes = 0;
  /** The payload: [start, end) of `bytes`. */
  start = 0;
  end = 0;
  /** Between the first and the last fragment of a message no other message may arrive. */
  isOpen = false;
  readonly #maxPayloadBytes: number;
  #target = Buffer.alloc(0);
  /** Where the next fragment goes. */
  #at = 0;

  /** `maxPayloadBytes` bounds fragmented messages, whose size is known from their first record only. */
  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Copies the payload of an unfragmented message: [start, end) of `source`. */
  whole(source: Uint8Array, start: number, end: number): void {
    this.start = start & (ALIGNMENT - 1);
    this.end = this.start + end - start;
    this.#reserve(this.end);
    copyBytes(this.#target, this.start, source, start, end);
  }

  /** Begins a message of these sizes. RangeError if it is longer than the reader accepts. */
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

  /** Adds a fragment: [start, end) of `source`. It holds bytes of the envelope or of the payload, never both. */
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

  /** Ends the message, which stays in `bytes` until the next one begins. */
  finish(): void {
    const isWhole = this.#at === this.end || (this.start === this.end && this.#at === this.envelopeBytes);
    if (!isWhole) throw new Error("the ring is corrupt: a message ends before it is whole");
    this.isOpen = false;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    let capacity = Math.max(FIRST_BYTES, this.bytes.length);
    while (capacity < bytes) capacity *= 2;
    // No doubling beyond the longest message allowed.
    const max = align(MAX_ENVELOPE_BYTES) + ALIGNMENT + this.#maxPayloadBytes;
    this.bytes = new Uint8Array(Math.max(bytes, Math.min(capacity, max)));
    this.view = new DataView(this.bytes.buffer);
    this.#target = Buffer.from(this.bytes.buffer);
  }
}
