/**
 * The pump: the loop around a shard, a step at a time. A step carries out requests, gives the shard its turn, commits the
 * journal, and then sends the answers that waited for the commit. It never sleeps: its caller decides how to spend the
 * time until the next step. So the same loop runs in a thread, in the simulation, and in one thread with its clients.
 *
 * While the journal is stalled, publishes are refused and answers that need it wait; everything else continues, within
 * the bounds of standstill.ts. When the journal has failed for good, a step throws.
 */
import type { Journal } from "../journal/journal.js";
import type { Command } from "../shard/command.js";
import type { Shard } from "../shard/shard.js";
import type { Refusal } from "../shard/topics/batch-appender.js";
import type { PublishGate } from "./publish-gate.js";
import { Doing, type Pulse } from "./pulse.js";
import { Standstill } from "./standstill.js";

/**
 * While there is more in the inbox, a commit waits for it, up to this many bytes and milliseconds: a sync of four times
 * as much takes less than twice as long. Answers that need no commit are sent meanwhile.
 */
const COMMIT_BYTES = 2 * 1024 * 1024;
const COMMIT_WITHIN = 3;

/** Milliseconds that a shard told to stop still spends on waiting requests, which could take minutes. */
const STOP_WITHIN = 1_000;

/** Above this, staged answers are sent in the middle of an intake, so that an intake needs a bounded buffer. */
const STAGED_BYTES = 1024 * 1024;

/** Milliseconds between attempts of a stalled journal. */
const RETRY_EVERY = 100;

/** Where requests come from. */
export interface Intake {
  /** Carries out requests, a bounded amount of work. Returns the time after that, `now` or later. */
  take(now: number): number;
  /** Messages and bytes that the last `take` has taken. */
  readonly taken: number;
  readonly takenBytes: number;
  /** There is nothing to take. */
  readonly isEmpty: boolean;
  /** No request that was taken waits for its turn. */
  readonly isIdle: boolean;
}

/** Where answers are kept until they may go. */
export interface Stage {
  readonly bytes: number;
  flush(): void;
}

/** A shard's effects, in two stages. */
export interface StagedAnswers {
  /** Answers that need not wait for the journal, and those that do. */
  readonly free: Stage;
  readonly held: Stage;
  /** Ends open frames, so that the staged ones are whole. */
  finish(): void;
  /** Throw if answers of a stage rest on what is not durable. `synced`: the log position up to which all is synced. */
  assertFree(synced: number): void;
  assertHeld(synced: number): void;
  /** The held answers have been sent. */
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
  /** The journal has stalled, or (undefined) works again. */
  readonly onStall: (error: NodeJS.ErrnoException | undefined) => void;
  readonly pulse: Pulse;
}

export class Pump {
  readonly #parts: PumpParts;
  readonly #standstill: Standstill;
  #now = 0;
  /** Bytes taken since the last commit, and when the first of them were. */
  #uncommitted = 0;
  #uncommittedSince = 0;
  #isStopping = false;
  /** When it ends even if requests still wait. */
  #stopBy = Number.POSITIVE_INFINITY;
  #isStalled = false;
  /** When a stalled journal is tried again. */
  #retryAt = 0;

  constructor(parts: PumpParts) {
    this.#parts = parts;
    this.#standstill = new Standstill(parts.shard, parts.answers.held);
  }

  /** It was told to stop, and has carried out the requests from before that, as far as there was time. */
  get isOver(): boolean {
    const { intake } = this.#parts;
    return this.#isStopping && intake.isEmpty && (intake.isIdle || this.#now >= this.#stopBy);
  }

  /** Tells it to end after the requests that have come so far. */
  stop(now: number): void {
    this.#isStopping = true;
    this.#stopBy = now + STOP_WITHIN;
  }

  /**
   * Does a bounded amount of work. `now`: milliseconds since 1970 of a clock that never steps back. Returns when to step
   * again if no message comes first; `now` or less: at once.
   *
   * @throws the journal's error when that has failed for good.
   */
  step(now: number): number {
    const { shard, journal, intake, gate, chores, pulse } = this.#parts;
    pulse.beat();
    this.#now = now;
    pulse.at(Doing.requests);
    gate.look(now);
    this.#standstill.look();
    this.#now = intake.take(now);
    pulse.at(Doing.turn);
    const due = shard.turn(this.#now);
    pulse.at(Doing.answers);
    const { taken } = intake;
    if (this.#isWorthWaiting(taken)) this.#flushFree();
    else this.flush();
    pulse.at(Doing.chores);
    const tick = journal.tick(shard.store.log, this.#now);
    const chore = chores(this.#now);
    // A background sync may have failed. Without this, clients would only see misleading DISK_FULL errors.
    if (journal.state.kind === "failed") throw journal.state.error;
    if (taken > 0 || this.#isStopping || !intake.isIdle) return now;
    const retry = this.#isStalled ? this.#retryAt : Number.POSITIVE_INFINITY;
    return Math.min(due, tick, chore, gate.due, retry);
  }

  /** Ends the journal, after the last step. */
  end(): void {
    const { shard, journal, pulse } = this.#parts;
    pulse.at(Doing.ending);
    journal.close(shard.store.log, this.#now);
  }

  /** Why a command is refused while the journal stands still; undefined: it is not. Asked before each command. */
  refusalOf(command: Command): Refusal | undefined {
    return this.#isStalled ? this.#standstill.refusalOf(command) : undefined;
  }

  /** Too much is staged. Asked during `take`: one message may hold thousands of requests with long answers. */
  get mustFlush(): boolean {
    const { free, held } = this.#parts.answers;
    return free.bytes + (this.#isStalled ? 0 : held.bytes) > STAGED_BYTES;
  }

  /** Sends the free answers, commits, and sends the held ones. */
  flush(): void {
    this.#flushFree();
    this.#uncommitted = 0;
    const { shard, journal, answers } = this.#parts;
    const { log } = shard.store;
    if (log.position > log.durable) {
      if (this.#isStalled && this.#now < this.#retryAt && !this.#isStopping) return;
      if (journal.commit(log, this.#now) < log.position) return this.#stall();
    }
    if (this.#isStalled) this.#goOn();
    if (answers.held.bytes === 0) return;
    answers.assertHeld(journal.synced);
    answers.held.flush();
    answers.released();
  }

  #flushFree(): void {
    const { answers, journal } = this.#parts;
    answers.finish();
    if (answers.free.bytes === 0) return;
    answers.assertFree(journal.synced);
    answers.free.flush();
  }

  /** Whether the commit should wait for what is still in the inbox. */
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
    this.#retryAt = this.#now + RETRY_EVERY;
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#parts.shard.store.log.isStalled = true;
    this.#parts.onStall(state.error);
  }

  #goOn(): void {
    this.#isStalled = false;
    this.#parts.shard.store.log.isStalled = false;
    this.#parts.onStall(undefined);
  }
}
