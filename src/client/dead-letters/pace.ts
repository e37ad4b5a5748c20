/** Does things to many messages at no more than a rate: so many at a time, and a pause after each. */
import { startTimer } from "../base/timer.js";

/** Messages of one request: what a broker does with them takes about a millisecond. */
const MOST = 1000;

/** Requests a second, where the rate allows it. */
const STEPS = 10;

/** How many at a time, and milliseconds from each to the next. `rate`: messages a second. */
export const paceOf = (rate: number): { readonly count: number; readonly pause: number } => {
  const count = Math.max(1, Math.min(MOST, Math.floor(rate / STEPS)));
  return { count, pause: rate === Number.POSITIVE_INFINITY ? 0 : (count / rate) * 1000 };
};

/** Ends after so many milliseconds, or when the signal says so. */
export const pauseFor = (milliseconds: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (milliseconds <= 0 || signal?.aborted === true) return resolve();
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = startTimer(milliseconds, end);
    signal?.addEventListener("abort", end, { once: true });
  });
