/** Blocks the thread without looking at anything. */

const nothing = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Sleeps for so many milliseconds. Not for a thread that has an event loop to run. */
export const pause = (milliseconds: number): void => {
  Atomics.wait(nothing, 0, 0, milliseconds);
};
