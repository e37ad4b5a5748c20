/**
 * One life of the simulated broker: from reading its journal back to its end. The parts are those of production, put
 * together as the thread of a shard does it; `Makers` is where a test puts in one that is broken.
 */
import type { Checksum } from "../../src/journal/checksum.js";
import type { Disk } from "../../src/journal/disk.js";
import { FileJournal, type FileJournalOptions, type Journal } from "../../src/journal/journal.js";
import { type RecoveryOptions, type RecoveryReport, type RecoveryTarget, recover } from "../../src/journal/recovery.js";
import { EPOCH } from "../../src/protocol/id.js";
import type { Command } from "../../src/shard/command.js";
import type { IdSource } from "../../src/shard/id-allocator.js";
import type { Log, PageSource } from "../../src/shard/log.js";
import { Replay } from "../../src/shard/replay.js";
import { Shard, type ShardOptions } from "../../src/shard/shard.js";
import { NODE } from "./clients.js";
import { SimulatedDisk } from "./simulated-disk.js";
import type { Settings } from "./steps.js";
import { LevelRecorder } from "./witness.js";

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
  journal(options: FileJournalOptions): Journal & PageSource;
  /** The first millisecond that ids may be of, after what a recovery has read. */
  idsAfter(shard: Shard): number;
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
});

export class Life {
  readonly recorder: LevelRecorder;
  readonly log: Log;

  constructor(
    readonly shard: Shard,
    readonly journal: Journal,
    recorder: LevelRecorder,
  ) {
    this.recorder = recorder;
    this.log = shard.store.log;
  }

  /** Applies a command whose buffers are somebody else's right after it. */
  apply(command: Command, now: number): void {
    this.shard.apply(command, now);
    if ("bytes" in command) command.bytes.fill(0xdd);
  }

  /** Answers the position up to which answers may go. */
  commit(now: number): number {
    const position = this.journal.commit(this.log, now);
    const text = "the simulated disk";
    this.shard.refusal = this.journal.roomForPublishes(this.log)
      ? undefined
      : { kind: this.journal.state.kind === "failed" ? "JOURNAL_FAILED" : "DISK_FULL", text };
    return position;
  }
}

/** Reads the journal back. Throws `Crash`, and what a recovery throws. */
export const start = (
  disk: SimulatedDisk,
  directory: string,
  settings: Settings,
  now: number,
  makers: Makers,
): Life => {
  const recorder = new LevelRecorder();
  const { level, pageBytes, segmentBytes, memoryBytes } = settings;
  const { checksum } = makers;
  let lastId = 0;
  const ids: IdSource = {
    next(present) {
      lastId = Math.max(lastId + 1, Math.floor(present) - EPOCH);
      return lastId;
    },
  };
  const shard = makers.shard({
    effects: recorder,
    ids,
    node: NODE,
    limits: LIMITS,
    memoryBytes,
    now,
    pageBytes,
    segmentBytes,
    level,
  });
  const view = makers.view(disk);
  const { log } = shard.store;
  // While it is read back, what has left memory comes from the same files.
  const reader = makers.journal({ disk: view, directory, checksum, level, segmentBytes, nextSequence: 0 });
  log.source = reader;
  const { nextSequence } = makers.recover({ disk: view, directory, checksum, pageBytes }, makers.target(shard));
  lastId = makers.idsAfter(shard);
  const journal = makers.journal({ disk: view, directory, checksum, level, segmentBytes, nextSequence });
  log.source = journal;
  return new Life(shard, journal, recorder);
};
