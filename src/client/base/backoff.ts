/**
 * How long to wait before something is tried again: twice as long each time up to a limit, and never in step with others.
 */

/** Before a broker is asked again that cannot be reached, has ended something or refuses it for now. Milliseconds. */
export const FIRST_WAIT = 100;
export const MAX_WAIT = 5000;

/** Milliseconds before try `attempt`, which counts from 0. */
export const backoff = (attempt: number, first: number, most: number, random: () => number = Math.random): number =>
  Math.min(most, first * 2 ** Math.min(attempt, 30)) * (0.5 + random() / 2);
