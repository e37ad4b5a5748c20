/** What a scrape finds: for each metric its values at this moment. */
import {
  COLUMN,
  COMMIT_BOUNDS,
  COMMIT_METRIC,
  COMMIT_SECONDS,
  FIRST_BUCKET,
  SHARD_METRICS,
  type ShardMetric,
} from "../../metrics/shard-metrics.js";
import { TOPIC_COLUMNS, TOPIC_METRICS, type TopicMetric, type TopicRows } from "../../metrics/topic-metrics.js";
import { BROKER_METRICS, type BrokerMetric, type LabelledMetric } from "./broker-metrics.js";

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Of a part of a histogram: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** All metrics, in the order in which they are shown. */
export const METRICS: readonly LabelledMetric[] = [
  ...Object.values(BROKER_METRICS),
  ...[...Object.values(SHARD_METRICS), COMMIT_METRIC].map((metric) => ({ ...metric, labels: ["shard"] })),
  ...Object.values(TOPIC_METRICS).map((metric) => ({ ...metric, labels: ["topic"] })),
];

/** What is known of a shard. */
export interface ShardReading {
  readonly isUp: boolean;
  readonly restarts: number;
  /** The columns of `src/metrics/shard-metrics.ts`. */
  readonly values: Float64Array;
  readonly inboxBytes: number;
  readonly outboxBytes: number;
}

const NO_LABELS: Labels = {};

export class Samples {
  readonly #byName = new Map<string, Sample[]>();

  /** Of a metric by its name. */
  of(name: string): readonly Sample[] {
    return this.#byName.get(name) ?? [];
  }

  add(metric: BrokerMetric, value: number, labels = NO_LABELS): void {
    this.#add(BROKER_METRICS[metric].name, { labels, value });
  }

  /** `now`: milliseconds since 1970. */
  addShard(number: number, { isUp, restarts, values, inboxBytes, outboxBytes }: ShardReading, now: number): void {
    const shard = String(number);
    this.add("shardUp", isUp ? 1 : 0, { shard });
    this.add("restarts", restarts, { shard });
    for (const [key, { name, type }] of Object.entries(SHARD_METRICS)) {
      // What a shard that is gone had last is not what there is.
      if (type === "gauge" && !isUp) continue;
      this.#add(name, { labels: { shard }, value: ageOr(key, values[COLUMN[key as ShardMetric]] as number, now) });
    }
    this.#addCommits(shard, values);
    if (!isUp) return;
    this.add("ringUsed", inboxBytes, { shard, ring: "inbox" });
    this.add("ringUsed", outboxBytes, { shard, ring: "outbox" });
  }

  /** `rows`: what shards have told of their topics. Of all of them, the first `max` by their names are shown. */
  addTopics(rows: readonly TopicRows[], max: number, now: number): void {
    const topics = rows.flatMap(({ names, values }) =>
      names.map((name, i) => ({
        name,
        values: values.subarray(i * TOPIC_COLUMNS.length, (i + 1) * TOPIC_COLUMNS.length),
      })),
    );
    topics.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name: topic, values } of topics.slice(0, max)) {
      for (const [column, key] of TOPIC_COLUMNS.entries()) {
        const value = values[column] as number;
        this.#add(TOPIC_METRICS[key].name, { labels: { topic }, value: ageOr(key, value, now) });
      }
    }
    const all = this.of(SHARD_METRICS.topics.name).reduce((sum, { value }) => sum + value, 0);
    this.add("topicsLeftOut", Math.max(0, all - Math.min(max, topics.length)));
  }

  #addCommits(shard: string, values: Float64Array): void {
    const { name } = COMMIT_METRIC;
    let count = 0;
    for (let bucket = 0; bucket <= COMMIT_BOUNDS.length; bucket++) {
      count += values[FIRST_BUCKET + bucket] as number;
      const le = bucket < COMMIT_BOUNDS.length ? String(COMMIT_BOUNDS[bucket]) : "+Inf";
      this.#add(name, { labels: { shard, le }, value: count, metricName: `${name}_bucket` });
    }
    this.#add(name, { labels: { shard }, value: values[COMMIT_SECONDS] as number, metricName: `${name}_sum` });
    this.#add(name, { labels: { shard }, value: count, metricName: `${name}_count` });
  }

  #add(name: string, sample: Sample): void {
    const samples = this.#byName.get(name);
    if (samples === undefined) this.#byName.set(name, [sample]);
    else samples.push(sample);
  }
}

/** Of the oldest message the shard says when it was published: it gets older while the shard sleeps. */
const ageOr = (key: string, value: number, now: number): number => {
  if (key !== ("oldestReady" satisfies ShardMetric & TopicMetric)) return value;
  return ageOf(value, now) / 1_000;
};

/** Milliseconds since the oldest message was published, of when that was; 0 for Infinity: there is none. */
export const ageOf = (published: number, now: number): number =>
  published === Number.POSITIVE_INFINITY ? 0 : Math.max(0, now - published);
