/**
 * Buffers in which answers for a connection are gathered until they are written at once. One goes round: taken at the
 * first answer, given back when the socket has taken its bytes, which it nearly always does at once.
 */
import { allocate } from "../../channel/buffers.js";

/** A socket write of this size costs little more than its copy; it stays in the processor's cache. */
export const OUTPUT_BYTES = 64 * 1024;

/** As many as a drain of a ring has records. */
const KEPT = 256;

export class OutputPool {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? allocate(OUTPUT_BYTES);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(buffer);
  }
}
