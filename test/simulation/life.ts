/**
 * One life of a shard: from reading its journal back to its end. The parts are those of production, put together as the
 * thread of a shard does it; `Makers` is where a test puts in one that is broken.
 */
import type { ListedFile } from "../../src/journal/backup-list.js";
import type { Checksum } from "../../src/journal/checksum.js";
import { type CompactInput, compact } from "../../src/journal/compact.js";
import type { Disk } from "../../src/journal/disk.js";
import { isDiskFault } from "../../src/journal/disk-fault.js";
import { FileJournal } from "../../src/journal/file-journal.js";
import type { FileJournalOptions } from "../../src/journal/file-journal-options.js";
import type { LedgerEntry } from "../../src/journal/ledger.js";
import { beginDataDirectory, finishBackup } from "../../src/journal/new-data-directory.js";
import { PageReader } from "../../src/journal/page-reader.js";
import { type RecoveryOptions, type RecoveryReport, type RecoveryTarget, recover } from "../../src/journal/recovery.js";
import { makeSpare } from "../../src/journal/spares.js";
import type { Command, TopicConfig } from "../../src/shard/command.js";
import type { CompactedSegment } from "../../src/shard/compaction/relocation.js";
import type { Log } from "../../src/shard/log/log.js";
import { Replay } from "../../src/shard/recovery/replay.js";
import { Shard, type ShardOptions } from "../../src/shard/shard.js";
import type { TopicDefaults } from "../../src/shard/topics/directory.js";
import { DEFAULT_CONFIG } from "../../src/shard/topics/topic.js";
import { Compactor } from "../../src/workers/compactor.js";
import { HeldEffects } from "../../src/workers/held-effects.js";
import { raiseIdClock, sharedIdSource } from "../../src/workers/id-clock.js";
import type { JobPort } from "../../src/workers/job-port.js";
import { copy } from "../../src/workers/jobs/files.js";
import {
  type CopyInput,
  type CopyResult,
  describeError,
  type Job,
  type JobOutcome,
} from "../../src/workers/jobs/job.js";
import { type ReshardInput, reshard } from "../../src/workers/jobs/reshard.js";
import { PublishGate } from "../../src/workers/publish-gate.js";
import { Pulse } from "../../src/workers/pulse.js";
import { type Intake, Pump } from "../../src/workers/pump.js";
import { Stoppages } from "../../src/workers/stoppages.js";
import { NODE } from "./clients.js";
import { SimulatedDisk } from "./simulated-disk.js";
import { StagedAnswers } from "./staged-answers.js";
import type { Settings } from "./steps.js";

const LIMITS = { maxTopics: 8, maxQueues: 8, maxConsumers: 16 };

/** How the parts are made. */
export interface Makers {
  readonly checksum: Checksum;
  disk(seed: number): SimulatedDisk;
  /** What the journal sees of the disk. */
  view(disk: SimulatedDisk): Disk;
  shard(options: ShardOptions): Shard;
  target(shard: Shard): RecoveryTarget;
  recover(options: RecoveryOptions, target: RecoveryTarget): RecoveryReport;
  journal(options: FileJournalOptions): FileJournal;
  /** No id of a millisecond up to this is handed out after a recovery. */
  idsAfter(shard: Shard): number;
  compact(disk: Disk, checksum: Checksum, input: CompactInput): CompactedSegment;
  reshard(disk: Disk, checksum: Checksum, input: ReshardInput): void;
  backup: BackupJobs;
  /** Nothing waits for the journal: answers may go at once. */
  isDurable(shard: Shard): boolean;
  /** What answers rest on is asserted when they are sent. */
  readonly hasFooting: boolean;
}

/** What the pool does for a backup. */
export interface BackupJobs {
  begin(disk: Disk, path: string, shards: number): void;
  copy(disk: Disk, checksum: Checksum, input: CopyInput): CopyResult;
  finish(disk: Disk, path: string, ledgers: readonly LedgerEntry[], files: readonly ListedFile[]): void;
}

export const realMakers = (checksum: Checksum): Makers => ({
  checksum,
  disk: (seed) => new SimulatedDisk(seed),
  view: (disk) => disk,
  shard: (options) => new Shard(options),
  target: (shard) => new Replay(shard),
  recover,
  journal: (options) => new FileJournal(options),
  idsAfter: (shard) => shard.idCeiling,
  compact,
  reshard,
  backup: { begin: beginDataDirectory, copy, finish: finishBackup },
  isDurable: (shard) => shard.store.isDurable,
  hasFooting: true,
});

/** A broker may be started with other defaults than the one before it: what was configured stays as it is all the same. */
const defaultsAt = (now: number): TopicDefaults => {
  const kind = Math.floor(now) % 3;
  return kind === 0 ? {} : { ttr: 5_000 * kind, retries: kind };
};

/** A job that somebody else is to do, and who waits for it. */
interface Asked {
  readonly job: Job;
  readonly done: (outcome: JobOutcome) => void;
}

/** Told of the pump's two stages: answers that need not wait for the journal go, and those that did. */
export interface Sent {
  readonly free: () => void;
  readonly held: () => void;
}

/** The pump's stages are never empty: a world has a moment to remember at each step, with answers or without. */
const SOME_BYTES = 1;

/** Commands do not come through an inbox: the world applies each by itself, to look at the shard behind it. */
const NOTHING_TAKEN: Intake = { take: (now) => now, taken: 0, takenBytes: 0, isEmpty: true, isIdle: true };

export interface LifeOptions {
  readonly disk: SimulatedDisk;
  /** Of the shard's journal. */
  readonly directory: string;
  readonly number: number;
  readonly shards: number;
  /** All shards of a broker share it. */
  readonly idClock: SharedArrayBuffer;
  readonly settings: Settings;
  readonly now: number;
  readonly makers: Makers;
  /** Told what the pump sends, when it sends it. */
  readonly sent: Sent;
}

export class Life {
  /** The loop around the shard as a thread runs it. */
  readonly pump: Pump;
  /** Answers that need not wait for the journal, and those that do. */
  readonly free = new StagedAnswers();
  readonly held = new StagedAnswers();
  readonly effects: HeldEffects<StagedAnswers>;
  readonly shard: Shard;
  readonly journal: FileJournal;
  readonly log: Log;
  /** The recovery has cut off a torn end. */
  readonly isCut: boolean;
  /** The first sequence that this life may begin. */
  readonly #firstSequence: number;
  /** Of topics that nobody has configured. */
  readonly defaultConfig: TopicConfig;
  /** Compactions that were begun. */
  compactions = 0;
  /** Of its journal. */
  readonly directory: string;
  readonly #disk: Disk;
  readonly #makers: Makers;
  readonly #gate: PublishGate;
  readonly #asked: Asked[] = [];
  #now = 0;

  /** Reads the journal back. Throws `Crash`, and what a recovery throws. */
  constructor({ disk, directory, number, shards, idClock, settings, now, makers, sent }: LifeOptions) {
    const topicDefaults = defaultsAt(now);
    this.defaultConfig = { ...DEFAULT_CONFIG, ...topicDefaults };
    const { level, pageBytes, segmentBytes, memoryBytes, hasJobs, topicIdle, keepsChannels } = settings;
    const { checksum } = makers;
    this.effects = new HeldEffects(
      this.free,
      this.held,
      () => makers.isDurable(this.shard),
      () => this.shard.store.areIdsDurable,
      () => this.shard.store,
    );
    this.shard = makers.shard({
      effects: this.effects,
      topicDefaults,
      channelDefaults: { keep: keepsChannels },
      ids: sharedIdSource(idClock),
      node: NODE,
      shard: number,
      shards,
      limits: { ...LIMITS, topicIdle },
      memoryBytes,
      pageCacheBytes: memoryBytes / 4,
      now,
      pageBytes,
      segmentBytes,
      level,
      // Small, so that directories are written in steps.
      headBytes: 96,
      // The clock may be the same in two lives; each does something on the disk.
      life: disk.operations,
      // Small, so that looks take several turns.
      stepExtents: 8,
      // Lists are short here, and are to have marks all the same.
      markSteps: 2,
    });
    this.log = this.shard.store.log;
    const view = makers.view(disk);
    this.directory = directory;
    this.#disk = view;
    this.#makers = makers;
    const pages = new PageReader(view, directory, checksum);
    this.log.pages.source = pages;
    const { nextSequence, cut } = makers.recover(
      { disk: view, directory, checksum, shard: number, pageBytes },
      makers.target(this.shard),
    );
    raiseIdClock(idClock, makers.idsAfter(this.shard));
    this.isCut = cut !== undefined;
    this.#firstSequence = nextSequence;
    const jobs: Pick<JobPort, "ask"> = {
      ask: (job, done) => {
        if (job.job === "compact") this.compactions++;
        this.#asked.push({ job, done: done as Asked["done"] });
      },
    };
    const wantSpare = (path: string, bytes: number): void =>
      jobs.ask({ job: "prepare", path, bytes }, ({ ok }) => this.journal.spareAnswered(path, ok, this.#now));
    this.journal = makers.journal({
      disk: view,
      directory,
      checksum,
      level,
      segmentBytes,
      nextSequence,
      // Every now and then the disk has no space beyond what is reserved.
      hasSpace: () => disk.operations % 512 >= 128,
      ...(hasJobs && { wantSpare }),
    });
    this.log.pages.source = this.journal;
    pages.close();
    const failed = (): void => undefined;
    const compactor = new Compactor(this.shard.store, this.journal, {
      directory,
      segmentBytes,
      shard: number,
      shards,
      jobs,
      failed,
    });
    const { shard, journal } = this;
    const stoppages = new Stoppages(() => ({ bavail: 0, files: 0, ffree: 0 }));
    this.#gate = new PublishGate({ shard, journal, stoppages, isDiskFull: () => false, onRoom: failed });
    this.pump = new Pump({
      shard,
      journal,
      intake: NOTHING_TAKEN,
      answers: {
        free: { bytes: SOME_BYTES, flush: sent.free },
        held: { bytes: SOME_BYTES, flush: sent.held },
        finish: () => this.effects.finish(),
        assertFree: (synced) => makers.hasFooting && this.effects.assertFree(synced),
        assertHeld: (synced) => makers.hasFooting && this.effects.assertHeld(synced),
        released: () => this.effects.released(),
      },
      gate: this.#gate,
      chores: (at) => compactor.look(at),
      onStall: failed,
      pulse: new Pulse(),
    });
  }

  get segmentsBegun(): number {
    return Math.max(0, (this.log.segments.last?.sequence ?? 0) + 1 - this.#firstSequence);
  }

  /** Applies a command whose buffers are somebody else's right after it. */
  apply(command: Command, now: number): void {
    this.#gate.look(now);
    while (!this.shard.apply(command, now));
    if ("bytes" in command) command.bytes.fill(0xdd);
  }

  /** Somebody else does one of the jobs that were asked for. */
  work(now: number): void {
    const asked = this.#asked.shift();
    if (asked === undefined) return;
    this.#now = now;
    asked.done(this.#carryOut(asked.job));
  }

  /** The thread has ended; its jobs have not. A successor starts when they have. */
  finishJobs(): void {
    for (const { job } of this.#asked.splice(0)) this.#carryOut(job);
  }

  #carryOut(job: Job): JobOutcome {
    try {
      if (job.job === "prepare") {
        makeSpare(this.#disk, job.path, job.bytes);
        return { ok: true, result: { bytes: job.bytes } };
      }
      if (job.job === "compact") {
        return { ok: true, result: this.#makers.compact(this.#disk, this.#makers.checksum, job) };
      }
      throw new Error(`simulation: nobody asks for the job ${job.job}`);
    } catch (error) {
      if (!isDiskFault(error)) throw error;
      return { ok: false, error: describeError(error) };
    }
  }
}
