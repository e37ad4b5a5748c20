/**
 * Copies of frames that may have to be sent again. Small ones share a slab, because an ArrayBuffer for each would cost more
 * than all else about a frame of one message.
 */

const SLAB_BYTES = 16 * 1024;

/** From this size on a frame has a buffer of its own. */
const LARGE_BYTES = 4 * 1024;

export class KeptBytes {
  #slab = new Uint8Array(0);
  #end = 0;

  /** A copy of the bytes [0, end). A slab goes when the last copy in it does. */
  copy(bytes: Uint8Array, end: number): Uint8Array {
    if (end >= LARGE_BYTES) return bytes.slice(0, end);
    if (this.#slab.length - this.#end < end) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#end = 0;
    }
    const copy = this.#slab.subarray(this.#end, this.#end + end);
    copy.set(end === bytes.length ? bytes : bytes.subarray(0, end));
    this.#end += end;
    return copy;
  }
}
