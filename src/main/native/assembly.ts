/**
 * Memory for what of frames has come before their end, shared by all connections and bounded for all together. A buffer
 * grows with what has really arrived, never on the word of a length field. WebSockets reserve room for the half message
 * that their library may hold.
 */
import { allocate } from "../../channel/buffers.js";

/** The smallest buffer: most frames that are cut by the end of a read fit into it. */
const MIN_BYTES = 4 * 1024;

/** Buffers up to this size are kept for the next frame, up to this much of them. */
const KEPT_BYTES = 1024 * 1024;
const KEPT_TOTAL = 8 * 1024 * 1024;

/** At most this share of the memory can be reserved; the rest is for frames. */
const MAX_RESERVED = 3 / 4;

/** The owner of a buffer. */
export interface Holder {
  /** Bytes of its buffer. */
  readonly held: number;
  /** Little or nothing of its frame has come lately. */
  readonly isStalled: boolean;
  /** Gives its memory back at once: another owner needs it. */
  cutOff(): void;
}

export class AssemblyMemory {
  /** Bytes of all buffers that are in use, and of what is reserved. */
  #used = 0;
  #reserved = 0;
  #kept = 0;
  /** Free buffers, by the binary logarithm of their size. */
  readonly #free: Buffer[][] = [];
  readonly #holders = new Set<Holder>();

  constructor(readonly maxBytes: number) {}

  get used(): number {
    return this.#used;
  }

  /**
   * A buffer of at least so many bytes: a power of two. Undefined: all connections together use what they may, and
   * nobody who has stalled holds more than was asked for.
   */
  take(bytes: number): Buffer | undefined {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, MIN_BYTES)));
    while (this.#used + size > this.maxBytes && size > MIN_BYTES) if (!this.#cutLargest(size)) return undefined;
    this.#used += size;
    const kept = this.#free[Math.log2(size)]?.pop();
    if (kept === undefined) return allocate(size);
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

  /** Sets bytes apart until `release`. False: there are too few. */
  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.maxBytes * MAX_RESERVED || this.#used + bytes > this.maxBytes) return false;
    this.#reserved += bytes;
    this.#used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
    this.#used -= bytes;
  }

  /** From now on `holder` may be cut off. */
  enter(holder: Holder): void {
    this.#holders.add(holder);
  }

  leave(holder: Holder): void {
    this.#holders.delete(holder);
  }

  /** Cuts off who holds most, more than `size` and without progress. False: there is nobody. */
  #cutLargest(size: number): boolean {
    let largest: Holder | undefined;
    let most = size;
    for (const holder of this.#holders) {
      if (!holder.isStalled || holder.held <= most) continue;
      largest = holder;
      most = holder.held;
    }
    if (largest === undefined) return false;
    this.#holders.delete(largest);
    const before = this.#used;
    largest.cutOff();
    return this.#used < before;
  }
}
