/**
 * The start of the shards: the pool verifies the sealed segments of all shards in parallel, then each shard's thread
 * replays its journal.
 */
import type { Recovered } from "../../workers/shard-messages.js";
import type { JournalData } from "../../workers/shard-thread-data.js";
import type { BrokerOptions } from "../options.js";
import { logProgress, type StartProgress } from "../progress.js";
import type { JobPool } from "./job-pool.js";
import type { Supervisor } from "./supervisor.js";

/**
 * Below this the shards' threads verify segments during replay: the pool's threads take about 50 ms to start, in which a
 * thread verifies some 100 MiB.
 */
export const MIN_VERIFIED_BYTES = 64 * 1024 * 1024;

/** The file of a segment. */
export interface SegmentOnDisk {
  readonly path: string;
  readonly sequence: number;
  /** Size of the file, including what is allocated beyond its records. */
  readonly bytes: number;
}

/** A shard's files at the start, segments in order. */
export interface ShardOnDisk {
  readonly directory: string;
  readonly segments: readonly SegmentOnDisk[];
  /** What names must lead to before anything is confirmed. */
  readonly home: JournalData["home"];
}

/** What a start must know of the journals of all shards. */
export interface ShardFiles {
  /** By shard. */
  readonly shards: readonly ShardOnDisk[];
  /** Bytes of all segments. */
  readonly bytes: number;
  /** Watches the free space; `memory` is one Int32, a `DiskSpace`, which all shards read. */
  readonly watch: { readonly memory: SharedArrayBuffer; start(): Promise<void> };
}

/** Seconds of a monotonic clock. */
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
  minVerifiedBytes = MIN_VERIFIED_BYTES,
): Promise<void> => {
  if (data === undefined) {
    await supervisor.start([], () => {});
    return;
  }
  const progress = options.progress ?? logProgress(options.log, () => performance.now());
  try {
    const verified = await verifySealed(data, pool, progress, minVerifiedBytes);
    await data.watch.start();
    await replay(supervisor, data, verified, progress);
  } catch (error) {
    progress.abort();
    throw error;
  }
};

/**
 * Returns, by shard, the sequences of the segments that are whole. Others are left to the shard: only recovery knows
 * whether they are in use.
 */
const verifySealed = async (
  { shards }: ShardFiles,
  pool: JobPool,
  progress: StartProgress,
  minBytes: number,
): Promise<number[][]> => {
  const verified: number[][] = shards.map(() => []);
  // Every segment but the last of its shard should be sealed.
  const sealed = shards.flatMap(({ segments }, shard) => segments.slice(0, -1).map((segment) => ({ shard, segment })));
  const total = sealed.reduce((sum, { segment }) => sum + segment.bytes, 0);
  if (sealed.length === 0 || total < minBytes) return verified;
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
  const journals = shards.map(({ directory, home }, shard) => ({
    directory,
    home,
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
