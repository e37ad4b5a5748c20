/**
 * The thread of a shard: assembles the pump and runs it until it is told to stop. An unexpected error ends the thread, and
 * the main thread starts another, unless this one says that it would not help.
 */
import { type StatsFs, statfsSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { RingReader } from "../channel/ring-reader.js";
import { RingWriter } from "../channel/ring-writer.js";
import { loadChecksum } from "../journal/checksum.js";
import { DamageError, DataDirectoryError } from "../journal/damage-error.js";
import { DescriptorReserve } from "../journal/descriptor-reserve.js";
import { AWAY, SyncError } from "../journal/disk-fault.js";
import type { FileJournal } from "../journal/file-journal.js";
import { Home, HomeError, homeDisk } from "../journal/home.js";
import { memoryJournal } from "../journal/journal.js";
import { segmentPath } from "../journal/layout.js";
import { nodeDisk } from "../journal/node-disk.js";
import { pause } from "../journal/pause.js";
import type { TopicRows } from "../metrics/topic-metrics.js";
import { LENGTH_BYTES } from "../protocol/frame.js";
import { Durability } from "../protocol/op.js";
import { VERSION } from "../protocol/version.js";
import type { Shard } from "../shard/shard.js";
import { Compactor } from "./compactor.js";
import { raiseIdClock, sharedIdSource } from "./id-clock.js";
import { JobPort } from "./job-port.js";
import { openJournal } from "./open-journal.js";
import { isPassing, patiently, remedyOf } from "./patience.js";
import { Doing, Pulse } from "./pulse.js";
import type { Pump } from "./pump.js";
import { assemblePump } from "./pump-assembly.js";
import { ShardGauges } from "./shard-gauges.js";
import type { PinnedSegment, Recovered, ShardMessage } from "./shard-messages.js";
import type { ShardThreadData } from "./shard-thread-data.js";
import { SpaceGauge } from "./space-gauge.js";
import { Stoppages } from "./stoppages.js";
import { threadLog } from "./thread-log.js";
import { runPump } from "./thread-loop.js";
import { TimedJournal } from "./timed-journal.js";
import { watchedDisk } from "./watched-disk.js";

if (parentPort === null) throw new Error("shard thread: this file runs in a worker only");
const port = parentPort;
const data = workerData as ShardThreadData;

const tell = (message: ShardMessage): void => port.postMessage(message);

if (data.version !== VERSION) {
  // The package was replaced under the broker. What this version takes from the main thread, and writes, may be another thing there.
  const text = `its files are those of ringmq ${VERSION} now, and the broker is ${data.version}: restart the broker`;
  tell({ kind: "refuses", isOfJournal: false, text });
  process.exit();
}

const log = threadLog(port);
const jobs = new JobPort(port);
const pulse = new Pulse(data.pulse);
const home = new Home(data.journal?.home ?? []);
const disk = homeDisk(watchedDisk(nodeDisk, pulse), home);
const checksum = await loadChecksum();

/** Milliseconds since 1970 of a monotonic clock: timers must not follow steps of the wall clock. */
const clock = (): number => performance.timeOrigin + performance.now();

/** Blocks the thread. */
const sleep = (milliseconds: number): void => {
  const before = pulse.at(Doing.asleep);
  pause(milliseconds);
  pulse.at(before);
  pulse.beat();
};

/** The journal's file system. Throws if there is no journal, which then asks for nothing. */
const fileSystem = (): StatsFs => {
  const before = pulse.at(Doing.disk);
  try {
    return statfsSync(data.journal?.directory ?? "");
  } finally {
    pulse.at(before);
  }
};

const freeBytes = (): number => {
  const { bavail, bsize } = fileSystem();
  return bavail * bsize;
};

const stoppages = new Stoppages(fileSystem);

/** The free space of the journal's file system; undefined: there is no journal. */
const space =
  data.journal &&
  new SpaceGauge({
    memory: data.journal.disk,
    reserve: data.journal.diskReserve,
    shards: data.shards,
    freeBytes,
  });

/** Jobs on this shard's files, which the pool may carry out some time later. */
const homeJobs: Pick<JobPort, "ask"> = {
  ask: (job, done) => jobs.ask({ ...job, home: data.journal?.home }, done),
};

/** Log texts about a journal that is stalled or short of room. */
const UNTIL = "publishes are refused and confirms wait until it can";
const NO_ROOM = "publishes are refused until there is room; acks go on";

let isReady = false;

/** Why no other thread could start either. Undefined: another one might. */
const refusalOf = (error: unknown): string | undefined => {
  if (error instanceof DamageError || error instanceof DataDirectoryError) return error.message;
  if (error instanceof SyncError) {
    return `${error.message}: nothing is confirmed any more. Look after the disk, then restart the broker`;
  }
  if (error instanceof HomeError) return `${error.message}: put the data directory back, and restart the broker`;
  // The disk cannot be read or is full: whoever starts the broker can fix that.
  if (!isReady && (data.isFirst || !isPassing(error)) && error instanceof Error && "syscall" in error) {
    const remedy = isPassing(error) ? remedyOf(error) : "";
    return `the journal of shard ${data.shard} in ${data.journal?.directory} cannot be opened: ${error.message}${remedy}`;
  }
  return undefined;
};

let recovered: Recovered | undefined;
let opened: { readonly shard: Shard; readonly journal: FileJournal } | undefined;

/** Pins the journal's files for a backup. Undefined: there is no journal, or it does not work. */
const pin = (): readonly PinnedSegment[] | undefined => {
  if (opened === undefined || data.journal === undefined) return undefined;
  const { directory } = data.journal;
  const { log: records } = opened.shard.store;
  if (!opened.journal.pin(records, clock())) return undefined;
  return records.segments.all.map(({ sequence, replaces, used }) => ({
    path: segmentPath(directory, sequence),
    sequence,
    replaces,
    bytes: used,
  }));
};

// The length of a frame does not count its own field.
const inbox = new RingReader(data.inbox, LENGTH_BYTES + data.limits.maxFrameBytes);

let compactor: Compactor | undefined;

let gauges: ShardGauges | undefined;

const gaugesOf = (shard: Shard): ShardGauges => {
  const { metrics, memoryBytes, metricsTopics: max } = data;
  const topics = max === 0 ? undefined : { max, tell: (rows: TopicRows) => tell({ kind: "topics", rows }) };
  return new ShardGauges(metrics, shard, memoryBytes, topics);
};

const committed = (milliseconds: number): void => gauges?.committed(milliseconds);

const [secret = 0, moreSecret = 0, life = 0, moreLife = 0] = crypto.getRandomValues(new Uint32Array(4));

const makePump = (): Pump =>
  assemblePump({
    inbox,
    outbox: new RingWriter(data.outbox),
    ids: sharedIdSource(data.idClock),
    hashSecret: [secret, moreSecret],
    // Of 53 bits. By a clock that is set back two lives might begin at the same time.
    life: (life >>> 11) * 2 ** 32 + moreLife,
    node: data.node,
    shard: data.shard,
    shards: data.shards,
    limits: data.limits,
    topicDefaults: data.topicDefaults,
    channelDefaults: data.channelDefaults,
    memoryBytes: data.memoryBytes,
    level: data.journal?.level ?? Durability.memory,
    segmentBytes: data.journal?.segmentBytes,
    openJournal: (shard) => {
      if (data.journal === undefined) {
        gauges = gaugesOf(shard);
        return memoryJournal;
      }
      const replayed = (bytes: number): void => tell({ kind: "replayed", bytes });
      pulse.at(Doing.replaying);
      const { journal, recovered: report } = openJournal(shard, {
        data: data.journal,
        number: data.shard,
        disk,
        home,
        checksum,
        jobs: homeJobs,
        clock,
        replayed,
        beat: () => pulse.beat(),
        hasSpace: (bytes) => space?.hasRoomFor(bytes) ?? true,
        reserve: new DescriptorReserve(),
        reclaimFailed: (error) => log.warn({ error }, "files that nobody needs cannot be removed; it is tried again"),
      });
      opened = { shard, journal };
      raiseIdClock(data.idClock, shard.idCeiling);
      recovered = report;
      gauges = gaugesOf(shard);
      compactor = new Compactor(shard.store, journal, {
        directory: data.journal.directory,
        segmentBytes: data.journal.segmentBytes,
        shard: data.shard,
        shards: data.shards,
        jobs: homeJobs,
        failed: (why) => log.warn({ why }, "segments could not be compacted; it is tried again"),
      });
      return new TimedJournal(journal, () => performance.now(), committed);
    },
    chores: (now) => compactor?.look(now) ?? Number.POSITIVE_INFINITY,
    stoppages,
    isDiskFull: (growth) => space?.isFull(growth) ?? false,
    onNotice: () =>
      jobs.drain((message) => {
        if (message.kind === "unpin") opened?.journal.unpin();
        else tell({ kind: "pinned", segments: pin() });
      }),
    onStall: (error) => {
      if (error === undefined) return log.info({}, "the journal can write again: what waited is confirmed");
      // The main thread says so, for all shards, and where the directory is.
      if (error instanceof HomeError && !error.isSegment) return;
      const { cause, remedy } = stoppages.of(error);
      log.error({ remedy, error }, `the journal cannot write, since ${cause}: ${UNTIL}`);
    },
    onRoom: (hasRoom) => {
      if (hasRoom) return log.info({}, "the disk has room again: publishes are taken");
      const hindrance = opened?.journal.hindrance;
      if (hindrance?.code === AWAY) return;
      const { cause, remedy } = stoppages.of(hindrance);
      log.warn({ remedy }, `${cause}: ${NO_ROOM}`);
    },
    clock,
    pulse,
  });

try {
  const waits = (error: NodeJS.ErrnoException): void =>
    log.warn({ error }, `the journal cannot be opened yet; it is tried again${remedyOf(error)}`);
  const pump = data.isFirst ? makePump() : patiently(makePump, { pause: sleep, waits });
  gauges?.look(clock());
  tell({ kind: "ready", recovered });
  isReady = true;
  runPump(pump, { inbox, clock, pulse, gauges });
  const { state } = opened?.journal ?? memoryJournal;
  if (state.kind !== "working") {
    log.error({ error: state.error }, "the journal could not be ended: what was not confirmed may be lost");
    process.exitCode = 1;
  }
} catch (error) {
  const text = refusalOf(error);
  if (text === undefined) throw error;
  tell({ kind: "refuses", isOfJournal: true, text });
}
