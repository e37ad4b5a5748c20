/** Holds the beginning of a piece of a stream that continues in the next read. */
const FIRST_CAPACITY = 64 * 1024;

export class Carry {
  bytes = new Uint8Array(FIRST_CAPACITY);
  view = new DataView(this.bytes.buffer);
  /** Bytes that are there. */
  length = 0;

  /** Appends [start, end). */
  append(bytes: Uint8Array, start: number, end: number): void {
    const need = this.length + end - start;
    if (need > this.bytes.length) {
      const grown = new Uint8Array(need * 2);
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = need;
  }

  /** Appends of [start, end) what is missing to `size`; answers where that ends. */
  fill(size: number, bytes: Uint8Array, start: number, end: number): number {
    const next = Math.min(end, start + size - this.length);
    this.append(bytes, start, next);
    return next;
  }
}
