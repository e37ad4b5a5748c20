/**
 * Keeps frames that may have to be sent again. Copies of small ones share a slab, because an ArrayBuffer for each would cost
 * more than all else about a frame of one message.
 */
import type { Chunk } from "./chunk.js";
import type { PendingRequest } from "./pending-request.js";
import { LARGE_BYTES } from "./send-queue.js";

const SLAB_BYTES = 2 * LARGE_BYTES;

export class KeptFrames {
  #slab = new Uint8Array(0);
  #end = 0;

  /** Gives a request its frame, the only one in the chunk. A large one has its chunk to itself, and lends it. */
  keep(chunk: Chunk, pending: PendingRequest): void {
    if (chunk.end < LARGE_BYTES) pending.frame = this.#copy(chunk.written());
    else {
      chunk.holders++;
      pending.chunk = chunk;
      pending.frame = chunk.written();
    }
  }

  /** A slab goes when the last copy in it does. */
  #copy(bytes: Uint8Array): Uint8Array {
    if (this.#slab.length - this.#end < bytes.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#end = 0;
    }
    const copy = this.#slab.subarray(this.#end, this.#end + bytes.length);
    copy.set(bytes);
    this.#end += bytes.length;
    return copy;
  }
}
