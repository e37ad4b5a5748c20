/**
 * Bugs that journals have had, each put in by a seam: what the simulation must find. Some are of the disk's side (a call
 * that was forgotten is a call that does nothing), some of the journal's, some of the recovery's, some of the shard's.
 */
import type { Disk, DiskFile } from "../../src/journal/disk.js";
import { FileJournal } from "../../src/journal/file-journal.js";
import type { RecoveryTarget } from "../../src/journal/recovery.js";
import { Durability } from "../../src/protocol/op.js";
import type { Log } from "../../src/shard/log/log.js";
import * as record from "../../src/shard/log/record.js";
import type { Shard } from "../../src/shard/shard.js";
import { failing, leaving, promising, shortened } from "./directed-histories.js";
import { busy, historyOf } from "./histories.js";
import type { Makers } from "./life.js";
import { Random } from "./random.js";
import type { SimulatedDisk } from "./simulated-disk.js";
import type { History, Step } from "./steps.js";

export interface PlantedBug {
  readonly name: string;
  /** What the simulation may say of it. */
  readonly symptom: RegExp;
  plant(makers: Makers): Makers;
  /** Histories that lead towards it, where others seldom do. */
  historyOf?(seed: number): History;
}

/** A disk with some of its calls replaced. */
export const disk = (
  view: SimulatedDisk,
  own: Partial<Disk>,
  file: (file: DiskFile) => Partial<DiskFile> = () => ({}),
): Disk => ({
  rename: (from, to) => view.rename(from, to),
  remove: (path) => view.remove(path),
  list: (path) => view.list(path),
  makeDirectory: (path) => view.makeDirectory(path),
  removeDirectory: (path) => view.removeDirectory(path),
  syncDirectory: (path) => view.syncDirectory(path),
  open: (path, mode) => {
    const real = view.open(path, mode);
    return {
      get size(): number {
        return real.size;
      },
      read: (into, start, length, at) => real.read(into, start, length, at),
      write: (from, start, length, at) => real.write(from, start, length, at),
      sync: () => real.sync(),
      truncate: (size) => real.truncate(size),
      close: () => real.close(),
      ...file(real),
    };
  },
  ...own,
});

const nothing = (): void => undefined;

/** Something that was promised is not there, or something that was ended is. */
const LOST = /was never promised|was promised|is lost|is there again|come back|in a backup|an answer that promises/;
/** The pump has noticed it before anything was promised. */
export const UNFOUNDED = /an answer that (rests on|promises a sync)/;
export const LOST_OR_DAMAGED =
  /cannot be (read|restored)|was never promised|was promised|is lost|is there again|come back|\.(seg|ledger), at byte/;

/** A recovery's target that is told something else. */
export const target = (real: RecoveryTarget, own: Partial<RecoveryTarget>): RecoveryTarget => ({
  segment: (sequence, replaces) => real.segment(sequence, replaces),
  buffer: (length) => real.buffer(length),
  page: (offset, used) => real.page(offset, used),
  finish: () => real.finish(),
  ...own,
});

class CarelessJournal extends FileJournal {
  override commit(log: Log, now: number): number {
    if (log.demand > Durability.write) log.demand = Durability.write;
    return super.commit(log, now);
  }
}

/** Overwrites a method of an object that has just been made. */
export const withRecorder = (shard: Shard, change: (recorder: Shard["store"]["recorder"]) => void): Shard => {
  change(shard.store.recorder);
  return shard;
};

/** The broker ends while it begins a segment, when all the messages in the segments before are gone. */
const tornBeginning = (seed: number): History => {
  const random = new Random(seed);
  const queue = { topic: "t", queue: "default" };
  const publish = {
    do: "publish",
    connection: 1,
    topic: "t",
    key: "",
    delay: 0,
    ttl: 0,
    count: 3,
    size: 40,
    merged: false,
  } as const;
  const crash = { do: "crash", seed, pause: 10, again: [] } as const;
  const steps: readonly Step[] = [
    publish,
    { do: "purge", ...queue, state: "all" },
    { do: "restart", pause: 10 },
    { ...crash, kind: "process", after: random.between(3, 8) },
    publish,
    { do: "wait", time: 2000 },
    { ...crash, kind: "power", after: 0 },
  ];
  const settings = { ...historyOf(seed, 0).settings, level: Durability.fsync };
  return { seed, settings, moves: steps.map((step) => ({ step, flush: step.do !== "crash" })) };
};

/** Looks at the records of a file, which can be changed in place. */
export const eachRecord = (
  view: Disk,
  path: string,
  look: (records: DataView, at: number, length: number) => void,
): void => {
  const file = view.open(path, "write");
  const bytes = new Uint8Array(file.size);
  file.read(bytes, 0, bytes.length, 0);
  const records = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; ) {
    const length = records.getUint32(at + record.LENGTH);
    look(records, at, length);
    at += record.align(length);
  }
  file.write(bytes, 0, bytes.length, 0);
  file.sync();
  file.close();
};

/** Where the last record that is not a COMMIT or SEAL begins. */
const endBefore = (bytes: Uint8Array, used: number): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let last = 0;
  for (let at = 0; at < used; at += record.align(view.getUint32(at + record.LENGTH))) {
    if (view.getUint8(at + record.TYPE) < record.RecordType.COMMIT) last = at;
  }
  return last;
};

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "files are never synced",
    symptom: LOST_OR_DAMAGED,
    plant: (makers) => ({ ...makers, view: (view) => disk(view, {}, () => ({ sync: nothing })) }),
  },
  {
    name: "directories are never synced",
    symptom: LOST_OR_DAMAGED,
    plant: (makers) => ({ ...makers, view: (view) => disk(view, { syncDirectory: nothing }) }),
  },
  {
    name: "what is only written is confirmed as synced",
    symptom: UNFOUNDED,
    plant: (makers) => ({ ...makers, journal: (options) => new CarelessJournal(options) }),
  },
  {
    name: "answers are sent before the journal has committed",
    symptom: UNFOUNDED,
    plant: (makers) => ({ ...makers, isDurable: () => true }),
  },
  {
    name: "a short write counts as a whole one",
    symptom: LOST_OR_DAMAGED,
    historyOf: shortened,
    plant: (makers) => ({
      ...makers,
      view: (view) =>
        disk(view, {}, (file) => ({
          write: (from, start, length, at) => {
            file.write(from, start, length, at);
            return length;
          },
        })),
    }),
  },
  {
    name: "a sync that failed is tried again",
    symptom: LOST_OR_DAMAGED,
    historyOf: failing,
    plant: (makers) => ({
      ...makers,
      view: (view) =>
        disk(view, {}, (file) => ({
          sync: () => {
            try {
              file.sync();
            } catch {
              file.sync();
            }
          },
        })),
    }),
  },
  {
    name: "a recovery trusts bytes that no sync will write",
    symptom: LOST_OR_DAMAGED,
    historyOf: failing,
    plant: (makers) => ({
      ...makers,
      view: (view) =>
        disk(view, {}, (file) => ({
          write: (from, start, length, at) => {
            const known = new Uint8Array(length);
            const isThere = file.read(known, 0, length, at) === length;
            if (isThere && Buffer.compare(known, from.subarray(start, start + length)) === 0) return length;
            return file.write(from, start, length, at);
          },
        })),
    }),
  },
  {
    name: "a recovery takes records that are not whole",
    symptom: /./,
    plant: (makers) => ({ ...makers, checksum: () => 0 }),
  },
  {
    name: "a recovery cuts off a record too many",
    symptom: LOST,
    plant: (makers) => ({
      ...makers,
      target: (shard) => {
        const real = makers.target(shard);
        let last: Uint8Array = new Uint8Array(0);
        return target(real, {
          buffer: (length) => {
            last = real.buffer(length);
            return last;
          },
          page: (offset, used) => real.page(offset, endBefore(last, used)),
        });
      },
    }),
  },
  {
    name: "a recovery leaves the torn end as it is",
    symptom: LOST_OR_DAMAGED,
    plant: (makers) => ({
      ...makers,
      recover: (options, to) => {
        const file = (real: DiskFile): Partial<DiskFile> => ({
          truncate: nothing,
          write: (_from, _start, length) => length,
          sync: () => real.sync(),
        });
        return makers.recover({ ...options, disk: disk(options.disk as SimulatedDisk, {}, file) }, to);
      },
    }),
  },
  {
    name: "ids begin anew with the clock",
    symptom: /used a second time/,
    plant: (makers) => ({ ...makers, idsAfter: () => 0 }),
  },
  {
    name: "acks are not written down",
    symptom: LOST,
    plant: (makers) => ({
      ...makers,
      shard: (options) =>
        withRecorder(makers.shard(options), (recorder) => {
          const { state } = recorder;
          recorder.state = (queue, change, ...rest) => {
            if (change.state !== 0) state.call(recorder, queue, change, ...rest);
          };
        }),
    }),
  },
  {
    name: "retries are not written down",
    symptom: /was never promised|retries and has/,
    plant: (makers) => ({
      ...makers,
      shard: (options) =>
        withRecorder(makers.shard(options), (recorder) => {
          const { state } = recorder;
          recorder.state = (queue, change, ...rest) => state.call(recorder, queue, { ...change, retry: 0 }, ...rest);
        }),
    }),
  },
  {
    name: "deletions of queues are not written down",
    symptom: LOST,
    historyOf: promising("deleteQueue"),
    plant: (makers) => ({
      ...makers,
      shard: (options) =>
        withRecorder(makers.shard(options), (recorder) => {
          const { directory } = recorder;
          recorder.directory = (entry, level) => {
            if (entry[0] !== "queue deleted") directory.call(recorder, entry, level);
          };
        }),
    }),
  },
  {
    name: "queues are not written down before their messages",
    symptom: /was never promised|was promised|is lost|topic \w does not exist/,
    plant: (makers) => ({
      ...makers,
      shard: (options) => {
        const shard = makers.shard(options);
        const { directory } = shard;
        const { recordQueue } = directory;
        directory.recordQueue = (queue, level) => {
          if (queue.isDeclared || queue.paused) return recordQueue.call(directory, queue, level);
          queue.isRecorded = true;
        };
        return shard;
      },
    }),
  },
  {
    name: "it is not written down that queues were declared",
    symptom: /it is not declared/,
    plant: (makers) => ({
      ...makers,
      shard: (options) =>
        withRecorder(makers.shard(options), (recorder) => {
          const { directory } = recorder;
          recorder.directory = ([kind, ...entry], level) =>
            directory.call(recorder, kind === "queue" ? [kind, ...entry.slice(0, 4), false] : [kind, ...entry], level);
        }),
    }),
  },
  {
    name: "topics are forgotten that were configured",
    symptom: /was configured or declared and is forgotten/,
    historyOf: leaving,
    plant: (makers) => ({
      ...makers,
      shard: (options) => {
        const shard = makers.shard(options);
        const { directory } = shard;
        const { recordTopic } = directory;
        directory.recordTopic = (topic, level) => {
          recordTopic.call(directory, topic, level);
          topic.hasDefaultConfig = true;
        };
        return shard;
      },
    }),
  },
  {
    name: "a configuration that is the default one is not written down",
    symptom: /it is \[\{\},/,
    historyOf: leaving,
    plant: (makers) => ({
      ...makers,
      shard: (options) => {
        const shard = makers.shard(options);
        return withRecorder(shard, (recorder) => {
          const { directory } = recorder;
          recorder.directory = (entry, level) => {
            const [kind, name, , startTime] = entry;
            const isDefault = kind === "topic" && shard.directory.find(String(name))?.hasDefaultConfig === true;
            directory.call(recorder, isDefault ? [kind, name, {}, startTime] : entry, level);
          };
        });
      },
    }),
  },
  {
    name: "what was acked is forgotten by a compaction",
    symptom: LOST,
    historyOf: busy,
    plant: (makers) => ({
      ...makers,
      compact: (view, checksum, input) => {
        const compacted = makers.compact(view, checksum, input);
        eachRecord(view, input.path, (records, at, length) => {
          if (records.getUint8(at + record.TYPE) !== record.RecordType.STATE) return;
          records.setUint8(at + record.TYPE, record.RecordType.COMMIT);
          const seed = record.checksumSeed(input.head.sequence, at);
          records.setUint32(at + record.CHECKSUM, checksum(records, at + record.TYPE, at + length, seed));
        });
        return compacted;
      },
    }),
  },
  {
    name: "a compaction forgets the retries of what it keeps",
    symptom: /was never promised|retries and has/,
    historyOf: busy,
    plant: (makers) => ({
      ...makers,
      compact: (view, checksum, input) => {
        const claims = input.claims.slice();
        const fields = new DataView(claims.buffer);
        for (let at = 0; at < claims.length; at += record.CLAIM_BYTES) fields.setUint16(at + record.CLAIM_RETRY, 0);
        return makers.compact(view, checksum, { ...input, claims });
      },
    }),
  },
  {
    name: "a compacted segment gets its name before it is on disk",
    symptom: LOST_OR_DAMAGED,
    historyOf: busy,
    plant: (makers) => ({
      ...makers,
      compact: (view, checksum, input) =>
        makers.compact(
          disk(view as SimulatedDisk, {}, () => ({ sync: nothing })),
          checksum,
          input,
        ),
    }),
  },
  {
    name: "segments go before what has emptied them is on disk",
    symptom: LOST_OR_DAMAGED,
    plant: (makers) => {
      let isTicking = false;
      class HastyJournal extends FileJournal {
        override tick(log: Log, now: number): number {
          isTicking = true;
          try {
            return super.tick(log, now);
          } finally {
            isTicking = false;
          }
        }
      }
      const file = (real: DiskFile): Partial<DiskFile> => ({ sync: () => (isTicking ? undefined : real.sync()) });
      return { ...makers, journal: (options) => new HastyJournal(options), view: (view) => disk(view, {}, file) };
    },
  },
  {
    name: "segments go while the directory behind them is torn",
    symptom: /it is gone|used a second time|is lost/,
    historyOf: tornBeginning,
    plant: (makers) => ({
      ...makers,
      target: (shard) => {
        const real = makers.target(shard);
        return target(real, {
          finish: () => {
            real.finish();
            for (const segment of shard.store.log.segments.all) segment.hasDirectory = true;
          },
        });
      },
    }),
  },
];
