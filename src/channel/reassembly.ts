/**
 * Puts the fragments of a message together again, in memory of its own: the envelope at 0, the payload behind it at its
 * phase. The memory grows to the largest message seen, stays, and is used for the next.
 */
import { ALIGNMENT, align, MAX_ENVELOPE_BYTES } from "./ring.js";

const FIRST_BYTES = 64 * 1024;

export class Reassembly {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  envelopeBytes = 0;
  /** The payload: [start, end) of `bytes`. */
  start = 0;
  end = 0;
  readonly #maxPayloadBytes: number;
  /** Where the next piece goes. */
  #at = 0;
  #isOpen = false;

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** A message of these sizes follows. RangeError if it is longer than this end takes. */
  begin(envelopeBytes: number, payloadBytes: number, phase: number): void {
    if (this.#isOpen) throw new Error("the ring is corrupt: a message begins within another");
    if (payloadBytes < 0 || payloadBytes > this.#maxPayloadBytes) {
      throw new RangeError(`a message of ${payloadBytes} bytes: the reader takes ${this.#maxPayloadBytes}`);
    }
    if (envelopeBytes < 0 || envelopeBytes > MAX_ENVELOPE_BYTES) {
      throw new RangeError(`an envelope of ${envelopeBytes} bytes: the ring carries ${MAX_ENVELOPE_BYTES}`);
    }
    this.#isOpen = true;
    this.envelopeBytes = envelopeBytes;
    this.start = align(envelopeBytes) + phase;
    this.end = this.start + payloadBytes;
    this.#at = 0;
    this.#reserve(this.end);
  }

  /** The next piece: [start, end) of `source`. It is of the envelope, or of the payload, not of both. */
  append(source: Uint8Array, start: number, end: number): void {
    if (!this.#isOpen) throw new Error("the ring is corrupt: a fragment without a beginning");
    const isEnvelope = this.#at < this.envelopeBytes;
    if (this.#at === this.envelopeBytes) this.#at = this.start;
    if (end - start > (isEnvelope ? this.envelopeBytes : this.end) - this.#at) {
      throw new Error("the ring is corrupt: more fragments than the message has bytes");
    }
    this.bytes.set(source.subarray(start, end), this.#at);
    this.#at += end - start;
  }

  /** The last piece was that: the message lies in `bytes` until the next begins. */
  finish(): void {
    const isWhole = this.#at === this.end || (this.start === this.end && this.#at === this.envelopeBytes);
    if (!isWhole) throw new Error("the ring is corrupt: a message ends before it is whole");
    this.#isOpen = false;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    let capacity = Math.max(FIRST_BYTES, this.bytes.length);
    while (capacity < bytes) capacity *= 2;
    const limit = align(MAX_ENVELOPE_BYTES) + ALIGNMENT + this.#maxPayloadBytes;
    this.bytes = new Uint8Array(Math.min(capacity, limit));
    this.view = new DataView(this.bytes.buffer);
  }
}
