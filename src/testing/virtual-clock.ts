/**
 * A clock that stands still until it is moved. Broker and clients go by it; what they want to be called for, it tells
 * whoever moves it.
 */
import type { Clock } from "../client/base/clock.js";
import type { Timer } from "../client/base/timer.js";

interface Alarm {
  readonly due: number;
  readonly act: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  /** In the order in which they were set. */
  readonly #alarms = new Set<Alarm>();

  /** `now`: milliseconds since 1970. */
  constructor(now: number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  /** When the first timer is due; Infinity: there is none. */
  get due(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const alarm of this.#alarms) due = Math.min(due, alarm.due);
    return due;
  }

  startTimer(milliseconds: number, act: () => void): Timer {
    const alarm = { due: this.#now + milliseconds, act };
    if (alarm.due < Number.POSITIVE_INFINITY) this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  /** Moves it on, never back, and fires what is due by then, the earliest first. False: nothing was. */
  moveTo(time: number): boolean {
    this.#now = Math.max(this.#now, time);
    const due = [...this.#alarms].filter((alarm) => alarm.due <= this.#now).sort((a, b) => a.due - b.due);
    for (const alarm of due) if (this.#alarms.delete(alarm)) alarm.act();
    return due.length > 0;
  }
}
