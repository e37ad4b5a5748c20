/**
 * The metrics of a broker as a whole, beside those of its shards (`src/metrics/shard-metrics.ts`): the table of their names,
 * types, labels and helps. docs/operations.md lists them.
 */
import type { MetricText } from "../../metrics/shard-metrics.js";

export interface LabelledMetric extends MetricText {
  readonly labels: readonly string[];
}

export const BROKER_METRICS = {
  info: {
    name: "ringmq_build_info",
    type: "gauge",
    labels: ["version", "node"],
    help: "Always 1; the labels tell the version and the number of the broker (--node)",
  },
  ready: { name: "ringmq_ready", type: "gauge", labels: [], help: "1 when /readyz says 200" },
  shardUp: {
    name: "ringmq_shard_up",
    type: "gauge",
    labels: ["shard"],
    help: "1 when the shard has read its journal and takes requests",
  },
  restarts: {
    name: "ringmq_shard_restarts_total",
    type: "counter",
    labels: ["shard"],
    help: "Threads of the shard that have ended by themselves or got stuck, and were replaced",
  },
  ringUsed: {
    name: "ringmq_ring_used_bytes",
    type: "gauge",
    labels: ["shard", "ring"],
    help: "Bytes in the ring to a shard (inbox) and from it (outbox)",
  },
  ringSize: { name: "ringmq_ring_size_bytes", type: "gauge", labels: [], help: "Size of each ring (--ring-bytes)" },
  connections: {
    name: "ringmq_connections",
    type: "gauge",
    labels: ["protocol"],
    help: "Connections and sessions by what carries them: tcp, tls, websocket, grpc, http, or a front end",
  },
  connectionLimit: {
    name: "ringmq_connections_limit",
    type: "gauge",
    labels: [],
    help: "Connections that are let in (--max-connections)",
  },
  received: {
    name: "ringmq_received_bytes_total",
    type: "counter",
    labels: ["protocol"],
    help: "Bytes of frames that connections have received; of foreign protocols, of the frames that their requests were made into",
  },
  sent: {
    name: "ringmq_sent_bytes_total",
    type: "counter",
    labels: ["protocol"],
    help: "Bytes of frames that connections were sent, likewise",
  },
  sockets: { name: "ringmq_sockets", type: "gauge", labels: [], help: "Sockets of clients on all ports" },
  assemblyBytes: {
    name: "ringmq_assembly_bytes",
    type: "gauge",
    labels: [],
    help: "Bytes of requests that are half-received",
  },
  waitingBytes: {
    name: "ringmq_input_waiting_bytes",
    type: "gauge",
    labels: [],
    help: "Bytes of requests that wait for room in the inboxes of shards",
  },
  unsentBytes: {
    name: "ringmq_unsent_bytes",
    type: "gauge",
    labels: [],
    help: "Bytes that clients have not taken",
  },
  calls: { name: "ringmq_calls", type: "gauge", labels: [], help: "Calls that are not over" },
  callBytes: { name: "ringmq_call_bytes", type: "gauge", labels: [], help: "Bytes of calls that wait for responders" },
  responders: { name: "ringmq_responders", type: "gauge", labels: [], help: "Responders of calls" },
  diskFree: {
    name: "ringmq_disk_free_bytes",
    type: "gauge",
    labels: [],
    help: "Free bytes of the data directory's file system, at most a second old",
  },
  diskReserve: {
    name: "ringmq_disk_reserve_bytes",
    type: "gauge",
    labels: [],
    help: "Free bytes below which publishes are refused (--disk-reserve)",
  },
  topicsLeftOut: {
    name: "ringmq_topics_without_series",
    type: "gauge",
    labels: [],
    help: "With --metrics-topics: topics that have no series of their own",
  },
  busy: {
    name: "ringmq_thread_busy_seconds_total",
    type: "counter",
    labels: ["thread"],
    help: "Time that the event loop of a thread was busy: main, grpc, mq-files",
  },
  lag: {
    name: "ringmq_thread_lag_seconds",
    type: "gauge",
    labels: ["thread"],
    help: "Longest delay of the event loop of a thread in the last 10 to 20 seconds, or the one that lasts: grpc, mq-files",
  },
} as const satisfies Readonly<Record<string, LabelledMetric>>;

export type BrokerMetric = keyof typeof BROKER_METRICS;
