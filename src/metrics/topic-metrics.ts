/**
 * The metrics of single topics, which a broker has where it is asked for them (`metricsTopics`): their table, and the rows in which
 * a shard's thread tells them. They travel as a worker message, about once a second while something happens.
 */
import type { MetricText } from "./shard-metrics.js";

export const TOPIC_METRICS = {
  published: {
    name: "ringmq_topic_published_messages_total",
    type: "counter",
    help: "Messages that the topic has taken",
  },
  delivered: {
    name: "ringmq_topic_delivered_messages_total",
    type: "counter",
    help: "Messages handed out by queues of the topic, again each time",
  },
  acked: { name: "ringmq_topic_acked_messages_total", type: "counter", help: "Messages of the topic that were acked" },
  retried: {
    name: "ringmq_topic_retried_messages_total",
    type: "counter",
    help: "Deliveries of the topic's messages that have failed",
  },
  dead: {
    name: "ringmq_topic_dead_messages_total",
    type: "counter",
    help: "Messages of the topic that have become dead letters",
  },
  expired: {
    name: "ringmq_topic_expired_messages_total",
    type: "counter",
    help: "Messages of the topic whose time to live has ended",
  },
  dropped: {
    name: "ringmq_topic_dropped_messages_total",
    type: "counter",
    help: "Messages of the topic that were purged, cancelled, deleted, or dropped for newer ones",
  },
  ready: { name: "ringmq_topic_ready_messages", type: "gauge", help: "Messages of the topic that may be delivered" },
  delayed: {
    name: "ringmq_topic_delayed_messages",
    type: "gauge",
    help: "Messages of the topic that wait for their time",
  },
  inFlight: {
    name: "ringmq_topic_in_flight_messages",
    type: "gauge",
    help: "Messages of the topic that are delivered and not settled",
  },
  deadLetters: { name: "ringmq_topic_dead_letters", type: "gauge", help: "Dead letters of the topic" },
  consumers: {
    name: "ringmq_topic_consumers",
    type: "gauge",
    help: "Consumers and waiting pops of the topic's queues",
  },
  oldestReady: {
    name: "ringmq_topic_oldest_ready_seconds",
    type: "gauge",
    help: "Age of the oldest message at the head of a queue of the topic; 0 without ready messages",
  },
} as const satisfies Readonly<Record<string, MetricText>>;

export type TopicMetric = keyof typeof TOPIC_METRICS;

export const TOPIC_COLUMNS = Object.keys(TOPIC_METRICS) as readonly TopicMetric[];

/** Some topics of a shard, in the order of their names. */
export interface TopicRows {
  readonly names: readonly string[];
  /** For each topic its `TOPIC_COLUMNS`, one after the other; of the oldest message when it was published. */
  readonly values: Float64Array;
}
