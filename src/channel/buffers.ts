/** Buffers, and what is in their place where there are none: in a browser, which runs no more of this than a test broker. */

export const HAS_BUFFERS: boolean = typeof Buffer === "function";

/**
 * Memory of its own, with whatever it held before. Where there are no Buffers it is plain bytes, and has all that is asked of
 * it: `subarray`, `set`, its length and its elements.
 */
export const allocate = (bytes: number): Buffer =>
  HAS_BUFFERS ? Buffer.allocUnsafeSlow(bytes) : (new Uint8Array(bytes) as Uint8Array as Buffer);
