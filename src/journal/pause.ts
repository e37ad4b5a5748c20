/** Blocks the thread without looking at anything. */

let nothing: Int32Array | undefined;

/** Sleeps for so many milliseconds. Not for a thread that has an event loop to run. */
export const pause = (milliseconds: number): void => {
  // Not before it is needed: where memory cannot be shared nobody sleeps.
  nothing ??= new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  Atomics.wait(nothing, 0, 0, milliseconds);
};
