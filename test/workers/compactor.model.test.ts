/**
 * Whatever a shard is told, compaction changes nothing of what it knows, and nothing of what a reader of the journal
 * makes of it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadChecksum } from "../../src/journal/checksum.js";
import { type CompactInput, compact } from "../../src/journal/compact.js";
import { FileJournal } from "../../src/journal/journal.js";
import { recover } from "../../src/journal/recovery.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import { compactionWindow, SLACK_SEGMENTS } from "../../src/shard/compaction-window.js";
import { localIdSource } from "../../src/shard/id-allocator.js";
import { Replay } from "../../src/shard/replay.js";
import { Shard } from "../../src/shard/shard.js";
import { Compactor } from "../../src/workers/compactor.js";
import type { JobPort } from "../../src/workers/job-port.js";
import { Driver, OPTIONS } from "../shard/model-driver.js";
import { Recorder } from "../shard/model-effects.js";
import { history, largeHistory } from "../shard/model-histories.js";
import type { Move } from "../shard/model-steps.js";
import { type SeenQueue, snapshot } from "../shard/snapshot.js";
import { SimulatedDisk } from "../simulation/simulated-disk.js";

const { RINGMQ_MODEL_RUNS = "300" } = process.env;
const RUNS = Number(RINGMQ_MODEL_RUNS);
const TIMEOUT = 60_000 + RUNS * 200;

const SEGMENT_BYTES = 2048;
const JOURNALLED = { level: Durability.fsync, segmentBytes: SEGMENT_BYTES };
const DIRECTORY = "/shard-0";

const checksum = await loadChecksum();

/** A shard with a journal that compacts after each move as much as it can. */
class Compacting {
  readonly disk = new SimulatedDisk(1);
  readonly driver = new Driver(JOURNALLED);
  readonly #journal: FileJournal;
  readonly #compactor: Compactor;
  /** Jobs that were asked for, to be done later. */
  readonly #jobs: (() => void)[] = [];
  #looked = 0;
  compactions = 0;

  constructor() {
    this.disk.makeDirectory(DIRECTORY);
    const options = { disk: this.disk, directory: DIRECTORY, checksum, segmentBytes: SEGMENT_BYTES };
    this.#journal = new FileJournal({ ...options, level: Durability.fsync, nextSequence: 1 });
    const { store } = this.driver.shard;
    store.log.source = this.#journal;
    const ask: JobPort["ask"] = (job, done) => {
      const result = compact(this.disk, checksum, job as unknown as CompactInput);
      this.compactions++;
      // What the shard does meanwhile is done to messages that have been copied already.
      this.#jobs.push(() => (done as (outcome: unknown) => void)({ ok: true, result }));
    };
    this.#compactor = new Compactor(store, this.#journal, {
      directory: DIRECTORY,
      segmentBytes: SEGMENT_BYTES,
      shard: 0,
      shards: 1,
      jobs: { ask },
      failed: (why) => {
        throw new Error(why);
      },
    });
  }

  play(moves: readonly Move[]): void {
    for (const [i, move] of moves.entries()) {
      this.driver.play([move]);
      this.commit();
      if (i % 3 === 0) for (const job of this.#jobs.splice(0)) job();
      this.#compactor.look(this.#next());
      if (i % 5 === 0) this.driver.shard.store.log.evict(Number.POSITIVE_INFINITY);
    }
    this.driver.turn();
    for (const job of this.#jobs.splice(0)) job();
    this.driver.shard.invariants();
    this.commit();
  }

  commit(): void {
    const { log } = this.driver.shard.store;
    expect(this.#journal.commit(log, this.#next())).toBe(log.position);
    this.#journal.tick(log, this.#next());
  }

  /** A clock on which everything is due. */
  #next(): number {
    this.#looked += 60_000;
    return this.#looked;
  }
}

const readBack = (disk: SimulatedDisk, now: number): Shard => {
  const shard = new Shard({ ...OPTIONS, ...JOURNALLED, effects: new Recorder(), ids: localIdSource(EPOCH), now });
  shard.store.log.source = new FileJournal({
    disk,
    directory: DIRECTORY,
    checksum,
    segmentBytes: SEGMENT_BYTES,
    level: Durability.fsync,
    nextSequence: 1,
  });
  recover({ disk, directory: DIRECTORY, checksum, pageBytes: OPTIONS.pageBytes }, new Replay(shard));
  while (shard.turn(now) <= now);
  return shard;
};

const isUnchanged = (moves: readonly Move[]): number => {
  const world = new Compacting();
  world.play(moves);
  const { shard } = world.driver;
  const before = snapshot(shard);
  const again = readBack(world.disk, shard.store.now);
  again.invariants();
  const after = snapshot(again);
  const overdue = new Set(before.flatMap(({ messages }) => messages.filter((m) => m.isOverdue).map(({ id }) => id)));
  const comparable = (seen: readonly SeenQueue[]): unknown =>
    seen.map(({ order, messages, ...queue }) => ({
      ...queue,
      messages: messages.filter(({ id }) => !overdue.has(id)),
    }));
  expect(comparable(after)).toEqual(comparable(before));
  for (const [i, { order }] of before.entries()) {
    const known = new Set(order);
    expect(after[i]?.order.filter((id) => known.has(id))).toEqual(order);
  }
  return world.compactions;
};

describe("compaction", () => {
  it.each([
    ["small", history],
    ["large", largeHistory],
  ])(
    "changes nothing of what a shard knows (%s messages)",
    (_, moves) => {
      let compactions = 0;
      fc.assert(
        fc.property(moves, (each) => {
          compactions += isUnchanged(each);
        }),
        { numRuns: RUNS },
      );
      expect(compactions).toBeGreaterThan(RUNS / 100);
    },
    TIMEOUT,
  );

  it("leaves a journal alone that is dense enough", () => {
    const world = new Compacting();
    const { segments } = world.driver.shard.store.log;
    expect(compactionWindow(segments.all, SEGMENT_BYTES)).toEqual([]);
    expect(SLACK_SEGMENTS).toBeGreaterThan(0);
  });
});
