/**
 * Has segments of a shard's journal compacted when too much of them is garbage. It makes the plan, has the pool write the
 * new segment, and then points the shard's messages to it.
 */
import { join } from "node:path";
import type { FileJournal } from "../journal/file-journal.js";
import { compactionWindow } from "../shard/compaction/compaction-window.js";
import { planKeeps } from "../shard/compaction/keep-plan.js";
import { relocate } from "../shard/compaction/relocation.js";
import type { Segment } from "../shard/log/segment.js";
import type { Store } from "../shard/messages/store.js";
import type { JobPort } from "./job-port.js";
import type { JobOutcome } from "./jobs/job.js";

/** Milliseconds between two looks at the segments. */
const LOOK_EVERY = 1000;

/** Milliseconds between two looks for each extent: looking takes a hundredth of the time. */
const LOOK_EACH = 1 / 500;

/** Milliseconds from a failed compaction, mostly for want of space, to the next attempt. */
const RETRY_EVERY = 30_000;

export interface CompactorOptions {
  /** The directory of the shard's segments. */
  readonly directory: string;
  readonly segmentBytes: number;
  readonly shard: number;
  readonly shards: number;
  readonly jobs: Pick<JobPort, "ask">;
  /** A compaction failed; it will be tried again. */
  readonly failed: (why: string) => void;
}

export class Compactor {
  readonly #store: Store;
  readonly #journal: FileJournal;
  readonly #options: CompactorOptions;
  #isRunning = false;
  #due = 0;
  #jobs = 0;

  constructor(store: Store, journal: FileJournal, options: CompactorOptions) {
    this.#store = store;
    this.#journal = journal;
    this.#options = options;
  }

  /** Begins a compaction if it is time and there is one to do. Returns when to look again, milliseconds since 1970. */
  look(now: number): number {
    const { log } = this.#store;
    if (this.#isRunning) return Number.POSITIVE_INFINITY;
    if (now < this.#due) return this.#due;
    this.#due = now + LOOK_EVERY;
    // The open segment cannot be compacted. Nothing changes before the shard gets something to do.
    if (log.segments.all.length < 2) return Number.POSITIVE_INFINITY;
    const { isPinned, state } = this.#journal;
    if (!this.#store.isDurable || isPinned || state.kind !== "working") return this.#due;
    // A look visits every extent: the more there are, the less often.
    this.#due = now + Math.max(LOOK_EVERY, this.#store.extents.high * LOOK_EACH);
    const window = compactionWindow(this.#store, log.segments.superseded, this.#options.segmentBytes);
    // The new segment has the state of this moment, and the directory is in a later one: both must be on disk first.
    if (window.length === 0 || !this.#journal.sync(log, now)) return this.#due;
    this.#begin(window, now);
    return Number.POSITIVE_INFINITY;
  }

  #begin(window: readonly Segment[], now: number): void {
    const { directory, jobs, shard, shards } = this.#options;
    const first = window[0] as Segment;
    const last = window.at(-1) as Segment;
    const replaced = new Set(window);
    const { keeps, claims, directory: bodies, failures } = planKeeps(this.#store, replaced);
    const path = join(directory, `compact-${last.sequence}-${Math.floor(now)}-${this.#jobs}.tmp`);
    const head = { sequence: last.sequence, replaces: first.replaces, created: now, shard, shards };
    const { pageBytes } = this.#store.log.pages;
    const sequences = window.map(({ sequence }) => sequence);
    const earlier = this.#store.log.segments.all.filter(({ sequence }) => sequence < first.sequence);
    const before = Float64Array.from(earlier.flatMap(({ firstId, lastId }) => [firstId, lastId]));
    this.#jobs++;
    this.#isRunning = true;
    for (const segment of window) segment.isCompacting = true;
    jobs.ask(
      { job: "compact", directory, sequences, head, path, pageBytes, before, keeps, claims, bodies, failures },
      (outcome) => {
        this.#isRunning = false;
        for (const segment of window) segment.isCompacting = false;
        this.#end(path, keeps, replaced, outcome);
      },
    );
  }

  #end(path: string, keeps: Uint32Array, replaced: ReadonlySet<Segment>, outcome: JobOutcome<"compact">): void {
    const { log } = this.#store;
    if (!outcome.ok) return this.#fail(outcome.error.message);
    // A backup is copying the segments as they are.
    if (this.#journal.isPinned) return this.#journal.discard(path);
    if (!this.#journal.replace(path, outcome.result, log)) {
      this.#journal.discard(path);
      return this.#fail("the new segment could not get its name");
    }
    relocate(this.#store, keeps, replaced, outcome.result);
    // There may be another one to do.
    this.#due = 0;
  }

  #fail(why: string): void {
    this.#due += RETRY_EVERY;
    this.#options.failed(why);
  }
}
