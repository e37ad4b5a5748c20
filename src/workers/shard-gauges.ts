/**
 * Publishes the metrics of a shard's thread: from its loop, at most every 100 milliseconds, and once more before a longer sleep.
 * The shard's own counters are only read here; time is measured here and not in the shard.
 */
import { COLUMN, COMMIT_BOUNDS, COMMIT_SECONDS, FIRST_BUCKET, type ShardMetric } from "../metrics/shard-metrics.js";
import { SharedValuesWriter } from "../metrics/shared-values.js";
import type { TopicRows } from "../metrics/topic-metrics.js";
import type { Totals } from "../shard/messages/totals.js";
import type { Shard } from "../shard/shard.js";
import { QueueSurvey } from "./queue-survey.js";
import { topicRows } from "./topic-rows.js";

/** Milliseconds between two publications. */
const EVERY = 100;

/** Milliseconds of steps of which the longest is known; it is shown until the next such window is over. */
const STEP_WINDOW = 10_000;

const NEVER = Number.POSITIVE_INFINITY;

/** Counters that the shard keeps itself. */
const COUNTED: readonly (ShardMetric & keyof Totals)[] = [
  "published",
  "publishedBytes",
  "delivered",
  "acked",
  "retried",
  "released",
  "dead",
  "expired",
  "dropped",
  "channel",
  "confirmed",
];

/** Milliseconds between two reports of single topics. */
const TOPICS_EVERY = 1_000;

/** Tells about single topics. */
export interface TopicReports {
  /** How many at most. */
  readonly max: number;
  readonly tell: (rows: TopicRows) => void;
}

/** What of a shard is shown. */
export type ShownShard = Pick<Shard, "store" | "directory" | "bytes" | "refusal">;

export class ShardGauges {
  readonly #shared: SharedValuesWriter;
  readonly #shard: ShownShard;
  readonly #memoryBytes: number;
  readonly #survey: QueueSurvey;
  /** What the counters were when this life began. */
  readonly #before: Float64Array;
  /** The log's position then. */
  readonly #begin: number;
  /** When to publish next; milliseconds since 1970. */
  #due = Number.NEGATIVE_INFINITY;
  #published = Number.NEGATIVE_INFINITY;
  /** Rounds of the survey until it has seen all that the last step did. */
  #rounds = 1;
  /** Longest steps in milliseconds, of the present window and the one before. */
  #longest = 0;
  #longestBefore = 0;
  #windowEnd = Number.NEGATIVE_INFINITY;

  readonly #topics: TopicReports | undefined;
  /** When topics may be told of next; undefined: nothing has happened since. */
  #topicsDue: number | undefined = Number.NEGATIVE_INFINITY;
  #topicsTold = Number.NEGATIVE_INFINITY;

  /** `memory`: `SHARD_METRICS_BYTES`, which an earlier life of the shard may have used. `topics` undefined: none are told of. */
  constructor(memory: SharedArrayBuffer, shard: ShownShard, memoryBytes: number, topics?: TopicReports) {
    this.#topics = topics;
    this.#shared = new SharedValuesWriter(memory);
    this.#shard = shard;
    this.#memoryBytes = memoryBytes;
    this.#survey = new QueueSurvey(shard.store, shard.directory.queues);
    this.#before = this.#shared.values.slice();
    this.#begin = shard.store.log.position;
  }

  /** A commit of the journal has taken so many milliseconds. */
  committed(milliseconds: number): void {
    const { values } = this.#shared;
    const seconds = milliseconds / 1_000;
    let bucket = 0;
    while (bucket < COMMIT_BOUNDS.length && seconds > (COMMIT_BOUNDS[bucket] as number)) bucket++;
    values[FIRST_BUCKET + bucket] = (values[FIRST_BUCKET + bucket] as number) + 1;
    values[COMMIT_SECONDS] = (values[COMMIT_SECONDS] as number) + seconds;
  }

  /** The thread has taken a step: from `begin` to `end`, milliseconds since 1970. */
  stepped(begin: number, end: number): void {
    const { values } = this.#shared;
    const taken = end - begin;
    values[COLUMN.busy] = (values[COLUMN.busy] as number) + taken / 1_000;
    if (end >= this.#windowEnd) {
      this.#longestBefore = end < this.#windowEnd + STEP_WINDOW ? this.#longest : 0;
      this.#longest = 0;
      this.#windowEnd = end + STEP_WINDOW;
    }
    if (taken > this.#longest) this.#longest = taken;
    this.#rounds = this.#survey.isUnderWay ? 2 : 1;
    this.#topicsDue ??= this.#topicsTold + TOPICS_EVERY;
    if (this.#due > this.#published + EVERY) this.#due = this.#published + EVERY;
  }

  /** Publishes if it is time to. Returns when it will be; Infinity: after the next step. */
  look(now: number): number {
    if (now < this.#due) return this.#due;
    const topics = this.#topics;
    const areDue = topics !== undefined && now >= (this.#topicsDue ?? NEVER);
    if (areDue && !this.#survey.isUnderWay) this.#survey.tellApart(this.#shard.directory.first(topics.max));
    if (this.#survey.look()) this.#rounds--;
    this.#publish();
    this.#published = now;
    if (topics !== undefined && !this.#survey.isUnderWay) this.#tellTopics(topics, now);
    const isMore = this.#rounds > 0 || this.#survey.isUnderWay;
    this.#due = isMore ? now + EVERY : topics === undefined ? NEVER : (this.#topicsDue ?? NEVER);
    return this.#due;
  }

  /** When a round is whole in which they were told apart. */
  #tellTopics({ tell }: TopicReports, now: number): void {
    const { topics } = this.#survey;
    if (topics === undefined) return;
    tell(topicRows(topics));
    this.#topicsTold = now;
    // What came into the round too late is told with the next.
    this.#topicsDue = this.#rounds > 0 ? now + TOPICS_EVERY : undefined;
  }

  #publish(): void {
    const shared = this.#shared;
    const { values } = shared;
    const { store, directory, bytes, refusal } = this.#shard;
    const { log, totals } = store;
    for (const name of COUNTED) this.#count(name, totals[name]);
    this.#count("deliveredBytes", store.emitted);
    this.#count("journalled", log.position - this.#begin);
    const { sums } = this.#survey;
    values[COLUMN.ready] = sums.ready;
    values[COLUMN.delayed] = sums.delayed;
    values[COLUMN.inFlight] = sums.inFlight;
    values[COLUMN.deadLetters] = sums.deadLetters;
    values[COLUMN.waitingBytes] = sums.bytes;
    values[COLUMN.kept] = sums.kept;
    values[COLUMN.oldestReady] = sums.oldestReady;
    values[COLUMN.queues] = sums.queues;
    values[COLUMN.unattended] = sums.unattended;
    values[COLUMN.consumers] = sums.consumers;
    values[COLUMN.topics] = directory.size;
    values[COLUMN.channels] = directory.channels.byName.size;
    values[COLUMN.memory] = bytes;
    values[COLUMN.memoryLimit] = this.#memoryBytes;
    values[COLUMN.journalBytes] = log.segments.bytes;
    values[COLUMN.segments] = log.segments.all.length;
    values[COLUMN.stalled] = log.isStalled ? 1 : 0;
    values[COLUMN.refusing] = refusal === undefined ? 0 : 1;
    values[COLUMN.longestStep] = Math.max(this.#longest, this.#longestBefore) / 1_000;
    shared.publish();
  }

  #count(name: ShardMetric, sinceBegin: number): void {
    this.#shared.values[COLUMN[name]] = (this.#before[COLUMN[name]] as number) + sinceBegin;
  }
}
