/** Takes the samples of the broker: about once a second, from what its parts on the main thread know and its shards publish. */
import { COLUMN } from "../metrics/shard-metrics.js";
import type { SharedValuesReader } from "../metrics/shared-values.js";
import {
  SAMPLE_COLUMNS,
  SHARD_SAMPLE_COLUMNS,
  type ShardSampleColumn,
  sampleWidth,
} from "../protocol/broker-sample.js";
import type { Engine } from "./engine.js";
import { ageOf } from "./metrics/samples.js";
import type { ConnectionTable } from "./native/connection-table.js";
import type { Supervisor } from "./shards/supervisor.js";

/** What a sample is taken of. */
export interface SampledParts {
  readonly connections: Pick<ConnectionTable, "size" | "traffic">;
  readonly engine: Pick<Engine, "freeBytes"> & { readonly supervisor: Pick<Supervisor, "count" | "isUp" | "metrics"> };
}

/** By the number of a shard's sample: the column of its metrics that it is. */
const SOURCES = {
  published: COLUMN.published,
  delivered: COLUMN.delivered,
  acked: COLUMN.acked,
  redelivered: COLUMN.retried,
  deadLettered: COLUMN.dead,
  expired: COLUMN.expired,
  ready: COLUMN.ready,
  inFlight: COLUMN.inFlight,
  delayed: COLUMN.delayed,
  dead: COLUMN.deadLetters,
  oldestReadyAge: COLUMN.oldestReady,
  memoryBytes: COLUMN.memory,
  memoryLimitBytes: COLUMN.memoryLimit,
  journalBytes: COLUMN.journalBytes,
  busyTime: COLUMN.busy,
} as const satisfies Readonly<Record<Exclude<ShardSampleColumn, "up">, number>>;

const [, ...NAMES] = SHARD_SAMPLE_COLUMNS;
const COLUMNS = NAMES.map((name) => SOURCES[name]);

/** Numbers that only grow, and that a shard which is gone has left. All others are of shards that are there. */
const COUNTERS: ReadonlySet<ShardSampleColumn> = new Set([
  "published",
  "delivered",
  "acked",
  "redelivered",
  "deadLettered",
  "expired",
  "busyTime",
]);
const IS_COUNTER = NAMES.map((name) => COUNTERS.has(name));
const OLDEST = NAMES.indexOf("oldestReadyAge");
const BUSY = NAMES.indexOf("busyTime");

export class Sampler {
  readonly #parts: SampledParts;
  /** The sample, written anew each time. */
  readonly #sample: Float64Array;

  constructor(parts: SampledParts) {
    this.#parts = parts;
    this.#sample = new Float64Array(sampleWidth(parts.engine.supervisor.count));
  }

  /** `time` and `now`: milliseconds since 1970, `now` by the clock of shards, which does not step. Good until the next call. */
  take(time: number, now: number): Float64Array {
    const { connections, engine } = this.#parts;
    const { supervisor, freeBytes } = engine;
    const sample = this.#sample;
    sample[0] = time;
    sample[1] = connections.size;
    sample[2] = freeBytes ?? Number.NaN;
    let receivedBytes = 0;
    let sentBytes = 0;
    for (const { received, sent } of connections.traffic.values()) {
      receivedBytes += received;
      sentBytes += sent;
    }
    sample[3] = receivedBytes;
    sample[4] = sentBytes;
    let at = SAMPLE_COLUMNS.length;
    for (let shard = 0; shard < supervisor.count; shard++, at += SHARD_SAMPLE_COLUMNS.length) {
      const isUp = supervisor.isUp(shard);
      const values = (supervisor.metrics[shard] as SharedValuesReader).read();
      sample[at] = isUp ? 1 : 0;
      for (let i = 0; i < COLUMNS.length; i++) {
        const isKnown = isUp || IS_COUNTER[i] === true;
        sample[at + 1 + i] = isKnown ? (values[COLUMNS[i] as number] as number) : 0;
      }
      sample[at + 1 + OLDEST] = isUp ? ageOf(values[COLUMN.oldestReady] as number, now) : 0;
      sample[at + 1 + BUSY] = (values[COLUMN.busy] as number) * 1_000;
    }
    return sample;
  }
}
