/**
 * The metrics of a shard: the one table of what its thread publishes, in the order of the columns, with the name, type and
 * help under which it is scraped. docs/operations.md lists them; `main/metrics` exports them with the label `shard`.
 */
import { sharedValuesBytes } from "./shared-values.js";

export interface MetricText {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
}

export const SHARD_METRICS = {
  published: {
    name: "ringmq_published_messages_total",
    type: "counter",
    help: "Messages that topics have taken",
  },
  publishedBytes: {
    name: "ringmq_published_bytes_total",
    type: "counter",
    help: "Bytes of messages that topics and channels have taken, with their headers",
  },
  delivered: {
    name: "ringmq_delivered_messages_total",
    type: "counter",
    help: "Messages handed out by queues, again each time",
  },
  deliveredBytes: {
    name: "ringmq_delivered_bytes_total",
    type: "counter",
    help: "Bytes of messages handed out by queues or shown, with headers and ids",
  },
  acked: { name: "ringmq_acked_messages_total", type: "counter", help: "Messages that were acked" },
  retried: {
    name: "ringmq_retried_messages_total",
    type: "counter",
    help: "Deliveries that have failed: rejected, or not acked in time; most are delivered again",
  },
  released: {
    name: "ringmq_released_messages_total",
    type: "counter",
    help: "Messages given back before anybody was handed them",
  },
  dead: { name: "ringmq_dead_messages_total", type: "counter", help: "Messages that have become dead letters" },
  expired: { name: "ringmq_expired_messages_total", type: "counter", help: "Messages whose time to live has ended" },
  dropped: {
    name: "ringmq_dropped_messages_total",
    type: "counter",
    help: "Messages of queues and kept channels that were purged, cancelled, deleted, or dropped for newer ones",
  },
  channel: {
    name: "ringmq_channel_messages_total",
    type: "counter",
    help: "Messages that channels have taken",
  },
  confirmed: {
    name: "ringmq_confirmed_requests_total",
    type: "counter",
    help: "Publishes and other requests whose confirm was sent",
  },
  journalled: {
    name: "ringmq_journal_written_bytes_total",
    type: "counter",
    help: "Bytes of records appended to the journal",
  },
  busy: { name: "ringmq_shard_busy_seconds_total", type: "counter", help: "Time that the thread was not asleep" },
  longestStep: {
    name: "ringmq_shard_lag_seconds",
    type: "gauge",
    help: "Longest step of the thread in the last 10 to 20 seconds that it had something to do: what had come may have waited so long",
  },
  ready: { name: "ringmq_ready_messages", type: "gauge", help: "Messages that may be delivered" },
  delayed: { name: "ringmq_delayed_messages", type: "gauge", help: "Messages that wait for their time" },
  inFlight: { name: "ringmq_in_flight_messages", type: "gauge", help: "Messages delivered and not settled" },
  deadLetters: { name: "ringmq_dead_letters", type: "gauge", help: "Dead letters that nobody has dealt with" },
  waitingBytes: { name: "ringmq_waiting_bytes", type: "gauge", help: "Bytes of ready and delayed messages" },
  kept: { name: "ringmq_kept_messages", type: "gauge", help: "Messages in kept channels" },
  oldestReady: {
    name: "ringmq_oldest_ready_seconds",
    type: "gauge",
    help: "Age of the oldest message at the head of a queue; 0 without ready messages",
  },
  topics: { name: "ringmq_topics", type: "gauge", help: "Topics" },
  channels: { name: "ringmq_kept_channels", type: "gauge", help: "Channels that are kept or configured" },
  queues: { name: "ringmq_queues", type: "gauge", help: "Queues of topics" },
  unattended: {
    name: "ringmq_unattended_queues",
    type: "gauge",
    help: "Queues that have ready messages, and neither a consumer nor a waiting pop",
  },
  consumers: { name: "ringmq_consumers", type: "gauge", help: "Consumers and waiting pops of queues" },
  memory: { name: "ringmq_memory_bytes", type: "gauge", help: "Memory in use by messages, topics and backlogs" },
  memoryLimit: { name: "ringmq_memory_limit_bytes", type: "gauge", help: "The shard's share of --memory" },
  journalBytes: { name: "ringmq_journal_bytes", type: "gauge", help: "Bytes of the records of the journal's segments" },
  segments: { name: "ringmq_journal_segments", type: "gauge", help: "Segments of the journal" },
  stalled: {
    name: "ringmq_journal_stalled",
    type: "gauge",
    help: "1 while the journal cannot write, and confirms wait",
  },
  refusing: {
    name: "ringmq_publishes_refused",
    type: "gauge",
    help: "1 while durable publishes are refused (DISK_FULL, DISK_FAULT)",
  },
} as const satisfies Readonly<Record<string, MetricText>>;

export type ShardMetric = keyof typeof SHARD_METRICS;

/** By metric: the column of the shared values. */
export const COLUMN = Object.fromEntries(Object.keys(SHARD_METRICS).map((key, column) => [key, column])) as Readonly<
  Record<ShardMetric, number>
>;

/** How long commits of a journal take: the write and, where it was demanded, the sync. */
export const COMMIT_METRIC = {
  name: "ringmq_commit_duration_seconds",
  type: "histogram",
  help: "Time of a commit of the journal: the write, and the sync where durability asks for one",
} as const satisfies MetricText;

/** Upper bounds in seconds, from a cache in the disk to one that answers no more. The last bucket has no bound. */
export const COMMIT_BOUNDS: readonly number[] = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** Behind the columns: commits by the bucket that they fall into, then the sum of their seconds. */
export const FIRST_BUCKET = Object.keys(SHARD_METRICS).length;
export const COMMIT_SECONDS = FIRST_BUCKET + COMMIT_BOUNDS.length + 1;

/** Bytes of the shared memory of a shard's metrics. */
export const SHARD_METRICS_BYTES = sharedValuesBytes(COMMIT_SECONDS + 1);
