/**
 * Timers for times of any length. The platform's own hold 31 bits of milliseconds, and take what is longer for 1.
 */

/** The longest time that setTimeout waits: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

export interface Timer {
  cancel(): void;
}

/** Calls `act` once after so many milliseconds; never for Infinity. */
export const startTimer = (milliseconds: number, act: () => void): Timer => {
  let left = milliseconds;
  let handle: ReturnType<typeof setTimeout> | undefined;
  const wait = (): void => {
    const step = Math.min(left, LONGEST);
    left -= step;
    handle = setTimeout(() => {
      if (left > 0) wait();
      else act();
    }, step);
  };
  if (milliseconds !== Number.POSITIVE_INFINITY) wait();
  return { cancel: () => clearTimeout(handle) };
};
