/**
 * The pump: one step of the loop around a shard. It has requests carried out, plays the shard's time, has the journal
 * commit, and only then sends the answers that waited for that. It never waits: whoever runs it decides how to spend the
 * time until the next step, so that the same loop runs in a thread, in a simulation, and beside its clients.
 *
 * While the journal cannot write, what waits for it waits on: publishes are refused, everything else goes on until too
 * much is held back. When it can never confirm again, a step throws.
 */
import type { Journal } from "../journal/journal.js";
import type { Shard } from "../shard/shard.js";
import type { PublishGate } from "./publish-gate.js";
import { Doing, type Pulse } from "./pulse.js";

/**
 * While there is more in the inbox a commit waits for it, up to so many bytes that were taken and so many milliseconds: a
 * sync of four times as much takes not even twice as long. Answers that wait for nothing are sent all the same.
 */
const COMMIT_BYTES = 2 * 1024 * 1024;
const COMMIT_WITHIN = 3;

/** How long a shard that is told to stop goes on with what waits in lanes, of which there may be minutes: milliseconds. */
const STOP_WITHIN = 1_000;

/** Staged answers are sent in the middle of a drain above this, so that a drain needs a bounded buffer. */
const STAGED_BYTES = 1024 * 1024;

/**
 * How long a journal that cannot write is left alone, and the bytes that may be held back meanwhile. Past them no
 * requests are taken.
 */
const RETRY_EVERY = 100;
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** Where requests come from. */
export interface Intake {
  /** Has requests carried out, a bounded amount of work, from `now` on. Returns the present, `now` or later. */
  take(now: number): number;
  /** Messages and bytes that the last `take` found. */
  readonly taken: number;
  readonly takenBytes: number;
  /** There is nothing more to take. */
  readonly isEmpty: boolean;
  /** No request that was taken waits for its turn. */
  readonly isIdle: boolean;
}

/** Where answers are kept until they may go. */
export interface Stage {
  readonly bytes: number;
  flush(): void;
}

/** A shard's effects, parted into two stages. */
export interface StagedAnswers {
  /** Answers that need not wait for the journal, and those that do. */
  readonly free: Stage;
  readonly held: Stage;
  /** Ends what is open, so that what is staged is whole. */
  finish(): void;
  /** What was held back has been sent. */
  released(): void;
}

export interface PumpParts {
  readonly shard: Shard;
  readonly journal: Journal;
  readonly intake: Intake;
  readonly answers: StagedAnswers;
  readonly gate: PublishGate;
  /** Background work; returns when there is more to do, milliseconds since 1970. */
  readonly chores: (now: number) => number;
  /** The journal stands still, or goes on (undefined). */
  readonly onStall: (error: NodeJS.ErrnoException | undefined) => void;
  readonly pulse: Pulse;
}

export class Pump {
  readonly #parts: PumpParts;
  #now = 0;
  /** Bytes taken since the last commit, and when the first of them were. */
  #uncommitted = 0;
  #uncommittedSince = 0;
  #isStopping = false;
  /** When it ends whatever waits in lanes. */
  #stopBy = Number.POSITIVE_INFINITY;
  #isStalled = false;

  constructor(parts: PumpParts) {
    this.#parts = parts;
  }

  /** It was told to stop, and has carried out what it was asked for before: what waits in lanes as far as there is time. */
  get isOver(): boolean {
    if (!this.#isStopping) return false;
    if (this.isClogged) return true;
    const { intake } = this.#parts;
    return intake.isEmpty && (intake.isIdle || this.#now >= this.#stopBy);
  }

  /** The journal stands still, and as much waits for it as may. */
  get isClogged(): boolean {
    if (!this.#isStalled) return false;
    const { log } = this.#parts.shard.store;
    return this.#parts.answers.held.bytes + log.position - log.durable > MAX_HELD_BYTES;
  }

  /** Ends when all that has come before is done. */
  stop(now: number): void {
    this.#isStopping = true;
    this.#stopBy = now + STOP_WITHIN;
  }

  /**
   * Does what there is to do, a bounded amount of work. `now`: milliseconds since 1970 of a clock that never steps back.
   * Returns when to come again if nothing comes before; `now` or less: at once.
   *
   * @throws the error of the journal when it will never confirm again.
   */
  step(now: number): number {
    const { shard, journal, intake, gate, chores, pulse } = this.#parts;
    pulse.beat();
    this.#now = now;
    pulse.at(Doing.requests);
    gate.look(now);
    const isClogged = this.isClogged;
    if (!isClogged) this.#now = intake.take(now);
    pulse.at(Doing.turn);
    const due = isClogged ? Number.POSITIVE_INFINITY : shard.turn(this.#now);
    pulse.at(Doing.answers);
    const taken = isClogged ? 0 : intake.taken;
    if (this.#isWorthWaiting(taken)) this.#flushFree();
    else this.flush();
    pulse.at(Doing.chores);
    const tick = journal.tick(shard.store.log, this.#now);
    const chore = chores(this.#now);
    // A sync that no commit waited for has failed: nobody would be told but by refusals of a disk that is not full.
    if (journal.state.kind === "failed") throw journal.state.error;
    if (taken > 0 || this.#isStopping || (!isClogged && !intake.isIdle)) return now;
    const retry = this.#isStalled ? this.#now + RETRY_EVERY : Number.POSITIVE_INFINITY;
    return Math.min(due, tick, chore, gate.due, retry);
  }

  /** A clean end, after the last step. */
  end(): void {
    const { shard, journal, pulse } = this.#parts;
    pulse.at(Doing.ending);
    journal.close(shard.store.log, this.#now);
  }

  /** In the middle of `take`, before too much is staged: one message may hold thousands of requests with long answers. */
  get mustFlush(): boolean {
    const { free, held } = this.#parts.answers;
    return free.bytes + held.bytes > STAGED_BYTES && !this.#isStalled;
  }

  /** Sends what waits for nothing, commits, and sends what was waiting for that. */
  flush(): void {
    this.#flushFree();
    this.#uncommitted = 0;
    const { shard, journal, answers } = this.#parts;
    const { log } = shard.store;
    if (log.position > log.durable && journal.commit(log, this.#now) < log.position) return this.#stall();
    if (this.#isStalled) this.#goOn();
    if (answers.held.bytes === 0) return;
    answers.held.flush();
    answers.released();
  }

  #flushFree(): void {
    const { answers } = this.#parts;
    answers.finish();
    if (answers.free.bytes > 0) answers.free.flush();
  }

  /** Whether a commit does better to wait for what is in the inbox. */
  #isWorthWaiting(taken: number): boolean {
    const { intake } = this.#parts;
    if (taken === 0 || intake.isEmpty || this.#isStalled || this.#isStopping) return false;
    if (this.#uncommitted === 0) this.#uncommittedSince = this.#now;
    this.#uncommitted += intake.takenBytes;
    return this.#uncommitted < COMMIT_BYTES && this.#now - this.#uncommittedSince < COMMIT_WITHIN;
  }

  #stall(): void {
    const { state } = this.#parts.journal;
    if (state.kind === "failed") throw state.error;
    if (state.kind === "working") throw new Error("pump: the journal has not made the log durable");
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#parts.onStall(state.error);
  }

  #goOn(): void {
    this.#isStalled = false;
    this.#parts.onStall(undefined);
  }
}
