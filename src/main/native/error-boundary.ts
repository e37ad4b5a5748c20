/**
 * The error boundary of one client: every callback of its socket, its requests and its timers runs in it. What is thrown
 * there costs that client its connection, and nobody else anything.
 */
import type { Log } from "../log.js";

/**
 * Runs `work`. What it throws, or rejects with if it is asynchronous, is logged with its stack, and `onFault` answers
 * or closes what the callback was about; `what` says for the log what that is.
 */
export const guard = (log: Log, what: string, work: () => unknown, onFault: () => void): void => {
  try {
    const outcome = work();
    if (outcome instanceof Promise) outcome.catch((error: unknown) => contain(log, what, error, onFault));
  } catch (error) {
    contain(log, what, error, onFault);
  }
};

/** The same for an error that was caught: for callbacks that are too frequent to make a closure for each. */
export const contain = (log: Log, what: string, error: unknown, onFault: () => void): void => {
  log.error({ error }, `${what} failed`);
  try {
    onFault();
  } catch (second) {
    log.error({ error: second }, `${what} failed again when it was closed`);
  }
};
