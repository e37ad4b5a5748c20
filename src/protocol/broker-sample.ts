/**
 * A sample of a broker, as WATCH and SAMPLE carry it: one number after the other, each a float64.
 *
 * ```
 *  +----------------------+----------------------+----------------------+----
 *  | of the broker        | of shard 0           | of shard 1           | …
 *  | 8 bytes each         | 8 bytes each         |                      |
 *  +----------------------+----------------------+----------------------+----
 * ```
 *
 * The answer to WATCH names the numbers, in this order. A name keeps its meaning; whoever does not know one passes over it.
 */

/** Of the broker as a whole; what is the sum of its shards is not among them. docs/protocol.md says what each is. */
export const SAMPLE_COLUMNS = ["time", "connections", "diskFreeBytes", "receivedBytes", "sentBytes"] as const;

/** Of each shard. */
export const SHARD_SAMPLE_COLUMNS = [
  "up",
  "published",
  "delivered",
  "acked",
  "redelivered",
  "deadLettered",
  "expired",
  "ready",
  "inFlight",
  "delayed",
  "dead",
  "oldestReadyAge",
  "memoryBytes",
  "memoryLimitBytes",
  "journalBytes",
  "busyTime",
] as const;

export type SampleColumn = (typeof SAMPLE_COLUMNS)[number];
export type ShardSampleColumn = (typeof SHARD_SAMPLE_COLUMNS)[number];

export const SAMPLE_NUMBER_BYTES = 8;

/** How many numbers a sample of a broker with so many shards has. */
export const sampleWidth = (shards: number): number => SAMPLE_COLUMNS.length + shards * SHARD_SAMPLE_COLUMNS.length;
