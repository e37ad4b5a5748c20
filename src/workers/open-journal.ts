/** Opens the journal of a shard: reads it back into an empty shard and returns the journal to continue with. */
import type { Checksum } from "../journal/checksum.js";
import type { DescriptorReserve } from "../journal/descriptor-reserve.js";
import type { Disk } from "../journal/disk.js";
import { FileJournal } from "../journal/file-journal.js";
import type { Home } from "../journal/home.js";
import { PageReader } from "../journal/page-reader.js";
import { recover } from "../journal/recovery.js";
import { PAGE_BYTES } from "../shard/log/log.js";
import { Replay } from "../shard/recovery/replay.js";
import type { Shard } from "../shard/shard.js";
import type { JobPort } from "./job-port.js";
import type { Recovered } from "./shard-messages.js";
import type { JournalData } from "./shard-thread-data.js";

/** Has the pool remove files, in one job at a time. What cannot be removed goes at the next start. */
const removals = (jobs: Pick<JobPort, "ask">): ((path: string) => void) => {
  let waiting: string[] = [];
  let isBusy = false;
  const next = (): void => {
    isBusy = waiting.length > 0;
    if (!isBusy) return;
    const paths = waiting;
    waiting = [];
    jobs.ask({ job: "remove", paths }, next);
  };
  return (path) => {
    waiting.push(path);
    if (!isBusy) next();
  };
};

/** Milliseconds between two reports of progress. */
const TELL_EVERY = 250;

export interface OpeningJournal {
  readonly data: Pick<JournalData, "directory" | "level" | "segmentBytes" | "verified">;
  /** The number of the shard. */
  readonly number: number;
  readonly disk: Disk;
  /** Undefined: names always lead where they did. */
  readonly home?: Home;
  readonly checksum: Checksum;
  readonly jobs: Pick<JobPort, "ask">;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
  /** Called a few times a second with the bytes read so far. */
  readonly replayed: (bytes: number) => void;
  /** Called after each step, for the watchdog. */
  readonly beat: () => void;
  /** Called when obsolete files cannot be removed. */
  readonly reclaimFailed: (error: Error) => void;
  /** Whether the file system has more space than is reserved for acks and compaction, and `bytes` besides, as far as is known. */
  readonly hasSpace: (bytes: number) => boolean;
  /** Undefined: files can always be opened. */
  readonly reserve?: DescriptorReserve;
}

/**
 * @throws DamageError when something confirmed is broken or missing; DataDirectoryError for a newer format;
 * `NodeJS.ErrnoException` when the disk fails. The shard cannot be used then.
 */
export const openJournal = (
  shard: Shard,
  { data, number, disk, home, checksum, jobs, clock, replayed, beat, reclaimFailed, hasSpace, reserve }: OpeningJournal,
): { readonly journal: FileJournal; readonly recovered: Recovered } => {
  const { directory, level, segmentBytes } = data;
  const { log } = shard.store;
  // During replay pages may leave memory and be needed again.
  const pages = new PageReader(disk, directory, checksum);
  log.pages.source = pages;
  const replay = new Replay(shard);
  let told = clock();
  const { nextSequence, cut, ...report } = recover(
    {
      disk,
      directory,
      checksum,
      shard: number,
      pageBytes: PAGE_BYTES,
      verified: new Set(data.verified),
      onProgress: (bytes) => {
        beat();
        if (clock() < told + TELL_EVERY) return;
        told = clock();
        replayed(bytes);
      },
    },
    replay,
  );
  const journal = new FileJournal({
    disk,
    ...(home && { home }),
    directory,
    checksum,
    level,
    segmentBytes,
    nextSequence,
    removeLater: removals(jobs),
    reclaimFailed,
    hasSpace,
    ...(reserve && { reserve }),
    wantSpare: (path, bytes) =>
      jobs.ask({ job: "prepare", path, bytes }, (outcome) =>
        journal.spareAnswered(path, outcome.ok, clock(), outcome.ok ? undefined : outcome.error),
      ),
  });
  log.pages.source = journal;
  // Fires what became due or expired while the broker was down, before the first request.
  for (let now = clock(); shard.turn(now) <= now; now = clock()) beat();
  pages.close();
  const messages = log.segments.all.reduce((sum, { live }) => sum + live, 0);
  return { journal, recovered: { ...report, messages, cut } };
};
