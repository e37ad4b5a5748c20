/**
 * The body of a message while it comes in parts. What all requests gather at once is bounded as well as each of them; when
 * that much is held, who holds most gives way, so that nobody can keep everybody else out with bodies that never end.
 */

/** Bytes that all requests may gather at once: sixteen largest bodies. */
const MAX_GATHERED_BYTES = 256 * 1024 * 1024;

const FIRST_CAPACITY = 64 * 1024;

/** Up to here copying a byte at a time is faster than a call that copies them all. */
const FEW_BYTES = 32;

export type BodyFault = "too large" | "busy";

const gathering = new Set<GatheredBody>();
let held = 0;

/** Bytes held for bodies that are not whole yet, by all requests. */
export const heldBytes = (): number => held;

export class GatheredBody {
  #bytes: Uint8Array;
  #size: number;
  #fault: BodyFault | undefined;
  readonly #lead: number;
  readonly #scratch: Uint8Array;

  /**
   * @param limit bytes that it may have
   * @param lead bytes that are kept free in front of it, for what travels before it
   * @param scratch where it is gathered as long as there is room: the caller's, and not counted
   */
  constructor(
    readonly limit: number,
    lead = 0,
    scratch: Uint8Array = new Uint8Array(0),
  ) {
    this.#lead = lead;
    this.#size = lead;
    this.#scratch = scratch;
    this.#bytes = scratch;
  }

  /** Bytes that have arrived, kept or not. */
  get size(): number {
    return this.#size - this.#lead;
  }

  get fault(): BodyFault | undefined {
    return this.#fault;
  }

  append(chunk: Uint8Array): void {
    this.appendRange(chunk, 0, chunk.length);
  }

  appendRange(chunk: Uint8Array, start: number, end: number): void {
    const from = this.#size;
    this.#size += end - start;
    if (this.#fault !== undefined || !this.#reserve(this.#size)) return;
    const bytes = this.#bytes;
    if (end - start > FEW_BYTES) bytes.set(chunk.subarray(start, end), from);
    else for (let at = start; at < end; at++) bytes[from + at - start] = chunk[at] ?? 0;
  }

  /** The body, once it is whole and not refused. */
  bytes(): Buffer {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#lead, this.size);
  }

  /** The same with what is in front of it. */
  withLead(): Buffer {
    // Nothing has come.
    if (this.#size > this.#bytes.length) return Buffer.alloc(this.#size);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#size);
  }

  /** Forgets what came: the body begins anew. One that had to give way stays refused. */
  restart(): void {
    this.#size = this.#lead;
    if (this.#fault === "too large") this.#fault = undefined;
  }

  /** Begins another body. */
  reset(): void {
    this.release();
    this.#size = this.#lead;
    this.#fault = undefined;
  }

  /** Gives the memory back. */
  release(): void {
    held -= this.#counted;
    gathering.delete(this);
    this.#bytes = this.#scratch;
  }

  get #counted(): number {
    return this.#bytes === this.#scratch ? 0 : this.#bytes.length;
  }

  /** Doubles with what has really arrived: no length that a client announces is believed. */
  #reserve(need: number): boolean {
    const max = this.limit + this.#lead;
    if (need > max) return this.#refuse("too large");
    if (need <= this.#bytes.length) return true;
    const capacity = Math.min(max, Math.max(FIRST_CAPACITY, this.#bytes.length * 2, need));
    while (held - this.#counted + capacity > MAX_GATHERED_BYTES) {
      const largest = this.#largestOther(capacity);
      if (largest === undefined) return this.#refuse("busy");
      largest.#refuse("busy");
    }
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes.subarray(0, Math.min(this.#bytes.length, need)));
    held += capacity - this.#counted;
    this.#bytes = grown;
    gathering.add(this);
    return true;
  }

  /** The one that holds most, if that is as much as this one would hold; of several the one that has it the longest. */
  #largestOther(capacity: number): GatheredBody | undefined {
    let largest: GatheredBody | undefined;
    let max = capacity - 1;
    for (const other of gathering) {
      if (other === this || other.#counted <= max) continue;
      largest = other;
      max = other.#counted;
    }
    return largest;
  }

  #refuse(fault: BodyFault): false {
    this.#fault = fault;
    this.release();
    return false;
  }
}
