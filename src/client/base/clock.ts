/**
 * The time by which a client judges leases and how fast its program is. A seam: in a test it is the clock of a test broker,
 * so that both of them go by the same time.
 */
import { startTimer, type Timer } from "./timer.js";

export interface Clock {
  /** Milliseconds that never step back. */
  now(): number;
  /** Calls `act` once after this many milliseconds; never for Infinity. */
  startTimer(milliseconds: number, act: () => void): Timer;
}

/** That of the machine. */
export const SYSTEM_CLOCK: Clock = { now: () => performance.now(), startTimer };
