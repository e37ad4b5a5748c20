/**
 * When requests are given up that have no answer. Time is counted in ticks, so that a request costs no look at the clock, and
 * no timer of its own; it ticks only while something waits that has a deadline.
 */
import type { Clock } from "../base/clock.js";
import type { Timer } from "../base/timer.js";
import { Patience, type PendingRequest } from "./pending-request.js";

/** Ticks in the shorter timeout, and the bounds of a tick. Milliseconds. */
const TICKS = 32;
const MIN_TICK = 5;
const MAX_TICK = 1000;

export interface Timeouts {
  /** Milliseconds. Default Infinity. */
  readonly publishTimeout?: number | undefined;
  readonly requestTimeout?: number | undefined;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #publishTicks: number;
  readonly #requestTicks: number;
  /** Gives up what is due. Returns whether anything is left that has a deadline. */
  readonly #sweep: (tick: number) => boolean;
  #tick = 1;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(clock: Clock, timeouts: Timeouts, sweep: (tick: number) => boolean) {
    const { publishTimeout = Number.POSITIVE_INFINITY, requestTimeout = Number.POSITIVE_INFINITY } = timeouts;
    this.#clock = clock;
    this.#sweep = sweep;
    this.#interval = Math.max(MIN_TICK, Math.min(Math.min(publishTimeout, requestTimeout) / TICKS, MAX_TICK));
    this.#publishTicks = this.#ticks(publishTimeout);
    this.#requestTicks = this.#ticks(requestTimeout);
  }

  /** Gives a request its deadline, from now on. */
  set(pending: PendingRequest): void {
    const { patience } = pending;
    if (patience === Patience.ENDLESS) return;
    const ticks = patience === Patience.PUBLISH ? this.#publishTicks : this.#requestTicks;
    if (ticks === 0) return;
    pending.deadline = this.#tick + ticks;
    if (this.#timer === undefined && !this.#isStopped) this.#start();
  }

  /** Nothing is given up any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** One more than fit: the first one may be under way. 0: for ever. */
  #ticks(timeout: number): number {
    return timeout === Number.POSITIVE_INFINITY ? 0 : Math.ceil(timeout / this.#interval) + 1;
  }

  #start(): void {
    this.#timer = this.#clock.startTimer(this.#interval, () => {
      this.#timer = undefined;
      this.#tick++;
      if (this.#sweep(this.#tick)) this.#start();
    });
  }
}
