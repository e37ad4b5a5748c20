/**
 * The last samples of the broker, in the order of bytes in which they are sent. A table of fixed size, in which the newest takes the
 * place of the oldest.
 */
import { SAMPLE_NUMBER_BYTES } from "../../protocol/broker-sample.js";

export class SampleHistory {
  /** Bytes of a sample. */
  readonly rowBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #capacity: number;
  #size = 0;
  /** Where the next one goes. */
  #next = 0;

  /** `width`: numbers of a sample. `capacity`: samples. */
  constructor(width: number, capacity: number) {
    this.rowBytes = width * SAMPLE_NUMBER_BYTES;
    this.#capacity = capacity;
    this.#bytes = new Uint8Array(capacity * this.rowBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Takes one more: as many numbers as a sample has. */
  add(sample: Float64Array): void {
    let at = this.#next * this.rowBytes;
    for (let i = 0; i < sample.length; i++, at += SAMPLE_NUMBER_BYTES) this.#view.setFloat64(at, sample[i] as number);
    this.#next = (this.#next + 1) % this.#capacity;
    if (this.#size < this.#capacity) this.#size++;
  }

  /** The bytes of the last samples, at most so many, the oldest first. A copy. */
  last(max: number): Uint8Array {
    const count = Math.min(max, this.#size);
    const copy = new Uint8Array(count * this.rowBytes);
    const first = (this.#next - count + this.#capacity) % this.#capacity;
    const atEnd = Math.min(count, this.#capacity - first);
    copy.set(this.#bytes.subarray(first * this.rowBytes, (first + atEnd) * this.rowBytes));
    copy.set(this.#bytes.subarray(0, (count - atEnd) * this.rowBytes), atEnd * this.rowBytes);
    return copy;
  }
}
