/**
 * Notices a broker that has fallen silent: a host that vanished closes no connection.
 */
import { startTimer, type Timer } from "../base/timer.js";

/** Before a broker that has not answered a ping is given up. Milliseconds. */
const GRACE = 1000;

/**
 * Pings now and then. `ping` resolves, or rejects, when there was an answer; without one by the time of the next ping `silent`
 * is called, once. The timers are the machine's: a clock that stands still has no silence.
 */
export const keepAlive = (interval: number, ping: () => Promise<unknown>, silent: () => void): Timer => {
  let isAnswered = true;
  let timer: Timer;
  const answered = (): void => {
    isAnswered = true;
  };
  const next = (): void => {
    timer = startTimer(interval, send);
  };
  const send = (): void => {
    // A program that blocked its event loop has not read the answer yet.
    if (!isAnswered) timer = startTimer(Math.min(GRACE, interval), judge);
    else {
      isAnswered = false;
      ping().then(answered, answered);
      next();
    }
  };
  const judge = (): void => {
    if (isAnswered) next();
    else silent();
  };
  next();
  return { cancel: () => timer.cancel() };
};
