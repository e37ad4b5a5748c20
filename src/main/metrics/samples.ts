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
      this.#add(name, { labels: { shard }, value: shownValue(key as ShardMetric, values, now) });
    }
    this.#addCommits(shard, values);
    if (!isUp) return;
    this.add("ringUsed", inboxBytes, { shard, ring: "inbox" });
    this.add("ringUsed", outboxBytes, { shard, ring: "outbox" });
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
const shownValue = (key: ShardMetric, values: Float64Array, now: number): number => {
  const value = values[COLUMN[key]] as number;
  if (key !== "oldestReady") return value;
  return value === Number.POSITIVE_INFINITY ? 0 : Math.max(0, now - value) / 1_000;
};
