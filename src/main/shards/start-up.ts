/**
 * The start of the shards: sealed segments are checked in the pool, all shards' in parallel; then each shard's thread
 * replays its own, and the broker may listen.
 */
import type { Recovered } from "../../workers/shard-messages.js";
import type { BrokerOptions } from "../options.js";
import { logProgress, type StartProgress } from "../progress.js";
import type { JobPool } from "./job-pool.js";
import type { Supervisor } from "./supervisor.js";

/**
 * Less than this a shard's thread checks while it replays, sooner than threads of a pool are started: they take about
 * 50 ms, in which a thread checks some 100 MiB.
 */
export const MIN_VERIFIED_BYTES = 64 * 1024 * 1024;

/** A file of a shard's journal. */
export interface SegmentOnDisk {
  readonly path: string;
  readonly sequence: number;
  /** Of the file, with what is allocated behind its contents. */
  readonly bytes: number;
}

/** What there is of a shard at the start, segments in order. */
export interface ShardOnDisk {
  readonly directory: string;
  readonly segments: readonly SegmentOnDisk[];
}

/** The journals of all shards, as far as a start needs to know them. */
export interface ShardFiles {
  /** By shard. */
  readonly shards: readonly ShardOnDisk[];
  /** Bytes of all segments. */
  readonly bytes: number;
  /** Watches the free space; `memory` is one Int32, a `DiskSpace`, which all shards read. */
  readonly watch: { readonly memory: SharedArrayBuffer; start(): Promise<void> };
}

/** Seconds of a clock that does not step. */
const seconds = (): number => performance.now() / 1_000;

/**
 * Resolves when all shards take commands.
 *
 * @throws StartError when a shard cannot start.
 */
export const startShards = async (
  options: BrokerOptions,
  supervisor: Supervisor,
  pool: JobPool,
  data: ShardFiles | undefined,
  leastVerifiedBytes = MIN_VERIFIED_BYTES,
): Promise<void> => {
  if (data === undefined) {
    await supervisor.start([], () => {});
    return;
  }
  const progress = options.progress ?? logProgress(options.log, () => performance.now());
  try {
    const verified = await verifySealed(data, pool, progress, leastVerifiedBytes);
    await data.watch.start();
    await replay(supervisor, data, verified, progress);
  } catch (error) {
    progress.abort();
    throw error;
  }
};

/**
 * By shard: the sequences of segments that are whole. One that is not is left to the shard: only recovery knows whether
 * it counts at all.
 */
const verifySealed = async (
  { shards }: ShardFiles,
  pool: JobPool,
  progress: StartProgress,
  leastBytes: number,
): Promise<number[][]> => {
  const verified: number[][] = shards.map(() => []);
  // Every segment but the last of its shard should be sealed.
  const sealed = shards.flatMap(({ segments }, shard) => segments.slice(0, -1).map((segment) => ({ shard, segment })));
  const total = sealed.reduce((sum, { segment }) => sum + segment.bytes, 0);
  if (sealed.length === 0 || total < leastBytes) return verified;
  const begin = seconds();
  progress.begin("verify", total);
  let done = 0;
  let records = 0;
  const verify = async (shard: number, { path, sequence, bytes }: SegmentOnDisk): Promise<void> => {
    const outcome = await pool.run({ job: "verify", path, sequence });
    if (outcome.ok && outcome.result.isSealed) verified[shard]?.push(sequence);
    if (outcome.ok) records += outcome.result.records;
    done += bytes;
    progress.advance(done);
  };
  const next = sealed.values();
  const work = async (): Promise<void> => {
    for (const { shard, segment } of next) await verify(shard, segment);
  };
  await Promise.all(Array.from({ length: pool.threads }, work));
  progress.end("verify", { segments: sealed.length, bytes: total, records }, seconds() - begin);
  return verified;
};

const replay = async (
  supervisor: Supervisor,
  { shards, bytes, watch }: ShardFiles,
  verified: readonly (readonly number[])[],
  progress: StartProgress,
): Promise<void> => {
  const journals = shards.map(({ directory }, shard) => ({
    directory,
    verified: verified[shard] ?? [],
    disk: watch.memory,
  }));
  const hasJournal = bytes > 0;
  const begin = seconds();
  if (hasJournal) progress.begin("replay", bytes);
  const recovered = await supervisor.start(journals, (done) => progress.advance(done));
  if (hasJournal) progress.end("replay", total(recovered), seconds() - begin);
};

const total = (recovered: readonly (Recovered | undefined)[]): Omit<Recovered, "cut"> => {
  const sum = { segments: 0, bytes: 0, records: 0, messages: 0 };
  for (const each of recovered) {
    sum.segments += each?.segments ?? 0;
    sum.bytes += each?.bytes ?? 0;
    sum.records += each?.records ?? 0;
    sum.messages += each?.messages ?? 0;
  }
  return sum;
};
