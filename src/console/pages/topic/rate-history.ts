/**
 * How fast a topic has moved while somebody looked. A broker keeps no past of single topics: a page keeps what it has seen, so that a
 * reader who comes back finds it.
 */
import type { TopicStatistics } from "ringmq/client";
import { lookAt, type TopicLook } from "../../broker/topic-look.js";

/** What the chart shows, in seconds. */
export const SPAN = 300;

/** Looks that are further apart tell nothing of the time between: the reader was elsewhere. Seconds. */
const GAP = 30;

/** Topics of a broker whose histories are kept, those that were looked at last. */
const MOST_KEPT = 16;

const kept = new WeakMap<object, Map<string, RateHistory>>();

/** The history of a topic of the broker that `client` is connected to. */
export const historyOf = (client: object, topic: string): RateHistory => {
  const histories = kept.get(client) ?? new Map<string, RateHistory>();
  kept.set(client, histories);
  const history = histories.get(topic) ?? new RateHistory();
  histories.delete(topic);
  histories.set(topic, history);
  const [oldest] = histories.keys();
  if (oldest !== undefined && histories.size > MOST_KEPT) histories.delete(oldest);
  return history;
};

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
    const isGap = time / 1_000 - (this.times.at(-1) ?? Number.POSITIVE_INFINITY) > GAP;
    this.times.push(time / 1_000);
    for (const [list, value] of [
      [this.incoming, look.incoming],
      [this.outgoing, look.outgoing],
      [this.done, look.done],
    ] as const) {
      list.push(isGap ? null : (value ?? null));
    }
    const old = this.times.findIndex((each) => each >= time / 1_000 - SPAN);
    if (old > 0) for (const list of [this.times, this.incoming, this.outgoing, this.done]) list.splice(0, old);
    return look;
  }
}
