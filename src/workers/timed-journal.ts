/** A journal whose commits are timed, for the metrics of its shard. */
import type { Fault } from "../journal/disk-fault.js";
import type { Journal, JournalState } from "../journal/journal.js";
import type { Log } from "../shard/log/log.js";

export class TimedJournal implements Journal {
  readonly level: number;

  constructor(
    readonly journal: Journal,
    /** Milliseconds of a clock that does not step. */
    readonly clock: () => number,
    /** A commit has taken so many milliseconds. */
    readonly committed: (milliseconds: number) => void,
  ) {
    this.level = journal.level;
  }

  get state(): JournalState {
    return this.journal.state;
  }

  get synced(): number {
    return this.journal.synced;
  }

  get hindrance(): Fault | undefined {
    return this.journal.hindrance;
  }

  commit(log: Log, now: number): number {
    const begin = this.clock();
    const durable = this.journal.commit(log, now);
    this.committed(this.clock() - begin);
    return durable;
  }

  tick(log: Log, now: number): number {
    return this.journal.tick(log, now);
  }

  roomForPublishes(log: Log): boolean {
    return this.journal.roomForPublishes(log);
  }

  close(log: Log, now: number): void {
    this.journal.close(log, now);
  }
}
