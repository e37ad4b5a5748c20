/**
 * What a topic was like when somebody looked: its queues together, and how fast it moves, from this look and the one before.
 */
import type { TopicStatistics } from "ringmq/client";

export interface TopicLook {
  /** When: milliseconds of the page's own clock. */
  readonly time: number;
  /** When the topic was made; the broker counts from there. */
  readonly startTime: number;
  readonly published: number;
  readonly delivered: number;
  readonly acked: number;
  readonly ready: number;
  readonly inFlight: number;
  readonly delayed: number;
  readonly dead: number;
  readonly consumers: number;
  readonly queues: number;
  /** Queues that are paused, and that have slowed themselves down. */
  readonly paused: number;
  readonly braked: number;
  /** Messages a second that were published, delivered and acked since the look before; undefined: it is not known. */
  readonly incoming: number | undefined;
  readonly outgoing: number | undefined;
  readonly done: number | undefined;
}

/** Looks that follow each other faster tell nothing of a rate. Milliseconds. */
const LEAST_APART = 250;

/** `now`: as `time`. */
export const lookAt = (stats: TopicStatistics, now: number, before?: TopicLook): TopicLook => {
  const { startTime, published, delivered, acked } = stats;
  // A broker that was started again counts from 0.
  const goesOn = before?.startTime === startTime && before.published <= published && before.delivered <= delivered;
  const apart = before === undefined ? 0 : now - before.time;
  const isFresh = goesOn && apart >= LEAST_APART;
  const rateOf = (counter: "published" | "delivered" | "acked"): number | undefined =>
    isFresh ? Math.max(0, ((stats[counter] - before[counter]) * 1_000) / apart) : undefined;
  let [ready, inFlight, delayed, dead, consumers, paused, braked] = [0, 0, 0, 0, 0, 0, 0];
  for (const queue of stats.queues) {
    ready += queue.ready;
    inFlight += queue.inFlight;
    delayed += queue.delayed;
    dead += queue.deadLetters;
    consumers += queue.consumers;
    if (queue.paused) paused++;
    if (queue.braked) braked++;
  }
  const counters = { time: now, startTime, published, delivered, acked };
  const gauges = { ready, inFlight, delayed, dead, consumers, queues: stats.queues.length, paused, braked };
  // One that comes too soon leaves the counters, and what they have told, to the next.
  if (goesOn && !isFresh) return { ...before, ...gauges };
  return {
    ...counters,
    ...gauges,
    incoming: rateOf("published"),
    outgoing: rateOf("delivered"),
    done: rateOf("acked"),
  };
};
