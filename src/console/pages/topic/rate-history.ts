/**
 * How fast a topic has moved while somebody looked.
 */
import type { TopicStatistics } from "ringmq/client";
import { lookAt, type TopicLook } from "../../broker/topic-look.js";

/** What the chart shows, in seconds. */
export const SPAN = 300;

export class RateHistory {
  /** Seconds since 1970, and the rates at each: null where they are not known. */
  readonly times: number[] = [];
  readonly incoming: (number | null)[] = [];
  readonly outgoing: (number | null)[] = [];
  readonly done: (number | null)[] = [];
  #last: TopicLook | undefined;

  /** The newest. `time`: milliseconds since 1970; `now`: of the page's own clock. */
  add(stats: TopicStatistics, time: number, now: number): TopicLook {
    const before = this.#last;
    const look = lookAt(stats, now, before);
    this.#last = look;
    if (look.time === before?.time) return look;
    this.times.push(time / 1_000);
    this.incoming.push(look.incoming ?? null);
    this.outgoing.push(look.outgoing ?? null);
    this.done.push(look.done ?? null);
    const old = this.times.findIndex((each) => each >= time / 1_000 - SPAN);
    if (old > 0) for (const list of [this.times, this.incoming, this.outgoing, this.done]) list.splice(0, old);
    return look;
  }
}
