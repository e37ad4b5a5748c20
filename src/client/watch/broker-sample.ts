/**
 * What a broker tells of itself about once a second, and how it is read.
 */
import {
  SAMPLE_COLUMNS,
  SAMPLE_NUMBER_BYTES,
  SHARD_SAMPLE_COLUMNS,
  type ShardSampleColumn,
} from "../../protocol/broker-sample.js";
import { ProtocolError } from "../../protocol/errors.js";

/** The numbers that a shard has, and the broker as the sum of its shards. */
export interface SampleNumbers {
  // What has happened since the broker was started, also in earlier lives of a shard: it only grows.

  /** Messages that topics have taken. */
  readonly published: number;
  /** Messages handed out by queues, again each time. */
  readonly delivered: number;
  readonly acked: number;
  /** Deliveries that have failed: rejected, or not acked in time. Most are delivered again. */
  readonly redelivered: number;
  /** Messages that have become dead letters. */
  readonly deadLettered: number;
  /** Messages whose time to live has ended. */
  readonly expired: number;
  /** Milliseconds that the threads of shards were not asleep. */
  readonly busyTime: number;

  // What there is; 0 of a shard that is not up.

  /** Messages that may be delivered. */
  readonly ready: number;
  /** Messages delivered and not settled. */
  readonly inFlight: number;
  /** Messages that wait for their time. */
  readonly delayed: number;
  /** Dead letters. */
  readonly dead: number;
  /** Milliseconds since the oldest message at the head of a queue was published; 0 without ready messages. Of all shards, the longest. */
  readonly oldestReadyAge: number;
  /** Memory in use by messages, topics and backlogs; the process takes more. */
  readonly memoryBytes: number;
  /** What that may be. */
  readonly memoryLimitBytes: number;
  /** Bytes of the records in the journal. */
  readonly journalBytes: number;
}

/** A shard, as a sample has it. */
export interface ShardSample extends SampleNumbers {
  /** It has read its journal and takes requests. */
  readonly up: boolean;
}

/** A broker at a moment. */
export interface BrokerSample extends SampleNumbers {
  /** Milliseconds since 1970, by the clock of the broker's machine. */
  readonly time: number;
  /** Of all protocols; plain HTTP without. */
  readonly connections: number;
  /** Of the data directory's file system; undefined: nothing is on disk, or it is not known. */
  readonly diskFreeBytes: number | undefined;
  /** Bytes of frames that connections have received and sent since the broker was started; see `ConnectionInfo`. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly shards: readonly ShardSample[];
}

type Summed = Exclude<ShardSampleColumn, "up">;
type Numbers = Record<Summed, number>;

const badSample = (): never => {
  throw new ProtocolError("BAD_FRAME", "a sample is not laid out as the broker has said");
};

const isNames = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const SUMMED: readonly Summed[] = SHARD_SAMPLE_COLUMNS.filter((name) => name !== "up");

/** Reads samples as the broker that has answered WATCH lays them out. */
export class SampleReader {
  /** Those of the answer, the oldest first. */
  readonly history: readonly BrokerSample[];
  readonly #shards: number;
  /** Bytes of a sample, and of its part of a shard. */
  readonly #bytes: number;
  readonly #shardBytes: number;
  /** Where the numbers are that this knows; -1: the broker does not tell them. */
  readonly #places: readonly number[];
  readonly #shardPlaces: readonly number[];
  readonly #firstShard: number;

  /** `answer`: that of WATCH. Throws ProtocolError. */
  constructor(answer: unknown) {
    const [columns, shardColumns, shards, rows]: readonly unknown[] = isNames(answer) ? answer : [];
    const isCount = Number.isSafeInteger(shards) && Number(shards) >= 0;
    if (!isNames(columns) || !isNames(shardColumns) || !isCount || !(rows instanceof Uint8Array)) {
      throw new ProtocolError("BAD_FRAME", "these are no samples");
    }
    const placesOf = (known: readonly string[], told: readonly unknown[]) =>
      known.map((name) => told.indexOf(name) * SAMPLE_NUMBER_BYTES);
    this.#places = placesOf(SAMPLE_COLUMNS, columns);
    this.#shardPlaces = placesOf(["up", ...SUMMED], shardColumns);
    this.#shards = Number(shards);
    this.#firstShard = columns.length * SAMPLE_NUMBER_BYTES;
    this.#shardBytes = shardColumns.length * SAMPLE_NUMBER_BYTES;
    if (columns.length === 0) badSample();
    this.#bytes = this.#firstShard + this.#shards * this.#shardBytes;
    const view = new DataView(rows.buffer, rows.byteOffset, rows.length);
    const history: BrokerSample[] = [];
    for (let at = 0; at < rows.length; at += this.#bytes) {
      history.push(this.read(view, at, Math.min(rows.length, at + this.#bytes)));
    }
    this.history = history;
  }

  /** The sample in [start, end). Throws ProtocolError. */
  read(view: DataView, start: number, end: number): BrokerSample {
    if (end - start !== this.#bytes) badSample();
    const numberAt = (from: number, place: number): number => (place < 0 ? 0 : view.getFloat64(from + place));
    const [time = 0, connections = 0, diskFreeBytes, receivedBytes = 0, sentBytes = 0] = this.#places.map((place) =>
      numberAt(start, place),
    );
    const sums = Object.fromEntries(SUMMED.map((name) => [name, 0])) as Numbers;
    const shards: ShardSample[] = [];
    for (let shard = 0; shard < this.#shards; shard++) {
      const from = start + this.#firstShard + shard * this.#shardBytes;
      const [up, ...values] = this.#shardPlaces.map((place) => numberAt(from, place));
      const numbers = Object.fromEntries(SUMMED.map((name, i) => [name, values[i]])) as Numbers;
      shards.push({ up: up === 1, ...numbers });
      for (const name of SUMMED) {
        if (name === "oldestReadyAge") sums[name] = Math.max(sums[name], numbers[name]);
        else sums[name] += numbers[name];
      }
    }
    return {
      time,
      connections,
      diskFreeBytes: Number.isNaN(diskFreeBytes) ? undefined : diskFreeBytes,
      receivedBytes,
      sentBytes,
      ...sums,
      shards,
    };
  }
}
