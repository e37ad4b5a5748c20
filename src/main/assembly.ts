/**
 * Memory for frames of which the end has not come yet, shared by all connections and bounded for all together. A buffer
 * grows with what has really arrived, never on the word of a length field.
 */

/** The smallest buffer: most frames that a read of the socket cuts fit into it. */
const LEAST_BYTES = 4 * 1024;

/** Buffers up to this size are kept for the next frame, up to this much of them. */
const KEPT_BYTES = 1024 * 1024;
const KEPT_TOTAL = 8 * 1024 * 1024;

export class AssemblyMemory {
  /** Bytes of all buffers that are in use. */
  #used = 0;
  #kept = 0;
  /** Buffers that nobody uses, by the logarithm of their size. */
  readonly #free: Buffer[][] = [];

  constructor(readonly maxBytes: number) {}

  get used(): number {
    return this.#used;
  }

  /** A buffer of at least so many bytes: a power of two. Undefined: all connections together use what they may. */
  take(bytes: number): Buffer | undefined {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, LEAST_BYTES)));
    if (this.#used + size > this.maxBytes && size > LEAST_BYTES) return undefined;
    this.#used += size;
    const kept = this.#free[Math.log2(size)]?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#kept -= size;
    return kept;
  }

  give(buffer: Buffer): void {
    const size = buffer.length;
    this.#used -= size;
    if (size > KEPT_BYTES || this.#kept + size > KEPT_TOTAL) return;
    this.#kept += size;
    const shelf = this.#free[Math.log2(size)];
    if (shelf === undefined) this.#free[Math.log2(size)] = [buffer];
    else shelf.push(buffer);
  }
}
