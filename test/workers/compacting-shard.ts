/** A shard with a journal on a simulated disk, whose segments are compacted when that pays off. */
import { expect } from "vitest";
import { loadChecksum } from "../../src/journal/checksum.js";
import { type CompactInput, compact } from "../../src/journal/compact.js";
import { FileJournal } from "../../src/journal/file-journal.js";
import { makeLedger, NO_SEGMENTS } from "../../src/journal/ledger.js";
import { recover } from "../../src/journal/recovery.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import { planKeeps } from "../../src/shard/compaction/keep-plan.js";
import { relocate } from "../../src/shard/compaction/relocation.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Replay } from "../../src/shard/recovery/replay.js";
import { Shard } from "../../src/shard/shard.js";
import { Compactor } from "../../src/workers/compactor.js";
import type { JobPort } from "../../src/workers/job-port.js";
import { OPTIONS } from "../shard/model/driver.js";
import { Recorder } from "../shard/model/effects.js";
import { SimulatedDisk } from "../simulation/simulated-disk.js";

const DIRECTORY = "/shard-0";

const checksum = await loadChecksum();

export class CompactingShard {
  readonly disk = new SimulatedDisk(1);
  compactions = 0;
  readonly #journal: FileJournal;
  readonly #compactor: Compactor;
  /** Outcomes of jobs, to be delivered later. */
  readonly #outcomes: (() => void)[] = [];
  #now = 0;

  constructor(
    readonly shard: Shard,
    readonly segmentBytes: number,
  ) {
    this.disk.makeDirectory(DIRECTORY);
    makeLedger(this.disk, DIRECTORY, 0, NO_SEGMENTS);
    this.#journal = journalOn(this.disk, segmentBytes);
    shard.store.log.pages.source = this.#journal;
    const ask: JobPort["ask"] = (job, done) => {
      const result = compact(this.disk, checksum, job as unknown as CompactInput);
      this.compactions++;
      // Until then the shard works on messages that have been copied already.
      this.#outcomes.push(() => (done as (outcome: unknown) => void)({ ok: true, result }));
    };
    this.#compactor = new Compactor(shard.store, this.#journal, {
      directory: DIRECTORY,
      segmentBytes,
      shard: 0,
      shards: 1,
      jobs: { ask },
      failed: (why) => {
        throw new Error(why);
      },
    });
  }

  /** Bytes of all files. */
  get diskBytes(): number {
    let bytes = 0;
    for (const name of this.disk.list(DIRECTORY)) {
      const file = this.disk.open(`${DIRECTORY}/${name}`, "read");
      bytes += file.size;
      file.close();
    }
    return bytes;
  }

  /** Commits, and does the background work that is due. */
  commit(): void {
    const { log } = this.shard.store;
    expect(this.#journal.commit(log, this.#next())).toBe(log.position);
    this.#journal.tick(log, this.#next());
  }

  /** Begins a compaction if there is something to compact. */
  look(): void {
    this.#compactor.look(this.#next());
  }

  /** Compacts all segments but the open one, whether that pays off or not. */
  force(): void {
    const { store } = this.shard;
    const window = store.log.segments.superseded;
    const [first, last] = [window[0], window.at(-1)];
    if (first === undefined || last === undefined) throw new Error("there is nothing to compact");
    const { keeps, claims, directory: bodies, failures } = planKeeps(store, new Set(window));
    const path = `${DIRECTORY}/compact-forced.tmp`;
    const compacted = compact(this.disk, checksum, {
      directory: DIRECTORY,
      sequences: window.map(({ sequence }) => sequence),
      head: { sequence: last.sequence, replaces: first.replaces, created: 0, shard: 0, shards: 1 },
      path,
      pageBytes: store.log.pages.pageBytes,
      before: new Float64Array(0),
      keeps,
      claims,
      bodies,
      failures,
    });
    const replaced = new Set(window);
    expect(this.#journal.replace(path, compacted, store.log)).toBe(true);
    relocate(store, keeps, replaced, compacted);
  }

  /** Delivers the outcomes of compactions. */
  finish(): void {
    for (const tell of this.#outcomes.splice(0)) tell();
  }

  /** Reads the journal back into a shard, and fires everything that is due in it. */
  readBack(now: number): Shard {
    const { segmentBytes, disk } = this;
    const level = Durability.fsync;
    const effects = new Recorder();
    const shard = new Shard({ ...OPTIONS, level, segmentBytes, effects, ids: localIdSource(EPOCH), now });
    shard.store.log.pages.source = journalOn(disk, segmentBytes);
    recover({ disk, directory: DIRECTORY, checksum, pageBytes: OPTIONS.pageBytes }, new Replay(shard));
    while (shard.turn(now) <= now);
    return shard;
  }

  /** A clock by which everything is due at each check. */
  #next(): number {
    this.#now += 60_000;
    return this.#now;
  }
}

const journalOn = (disk: SimulatedDisk, segmentBytes: number): FileJournal =>
  new FileJournal({ disk, directory: DIRECTORY, checksum, segmentBytes, level: Durability.fsync, nextSequence: 1 });
