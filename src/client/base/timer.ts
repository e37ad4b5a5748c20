/**
 * Timers of any length. setTimeout takes 31 bits of milliseconds, and fires after 1 ms when given more.
 */

import { deferred } from "./deferred.js";

/** The longest time that setTimeout takes: 24.8 days, in milliseconds. */
const MAX_STEP = 2 ** 31 - 1;

export interface Timer {
  cancel(): void;
}

/** Calls `act` once after this many milliseconds; never for Infinity. */
export const startTimer = (milliseconds: number, act: () => void): Timer => {
  let left = milliseconds;
  let handle: ReturnType<typeof setTimeout> | undefined;
  const wait = (): void => {
    const step = Math.min(left, MAX_STEP);
    left -= step;
    handle = setTimeout(() => {
      if (left > 0) wait();
      else act();
    }, step);
  };
  if (milliseconds !== Number.POSITIVE_INFINITY) wait();
  return { cancel: () => clearTimeout(handle) };
};

/** Resolves as the promise does, or after this many milliseconds. */
export const within = async (milliseconds: number, promise: Promise<unknown>): Promise<void> => {
  const enough = deferred<void>();
  const timer = startTimer(milliseconds, enough.resolve);
  await Promise.race([promise, enough.promise]);
  timer.cancel();
};
