/**
 * The pump: the loop around a shard. It takes commands out of the inbox, gives the shard time, has the journal commit
 * and only then sends the answers that were waiting for that.
 *
 * While the journal cannot write, what waits for it waits on: publishes are refused, everything else goes on until too
 * much is held back. When it can never confirm again the thread ends.
 */
import { EnvelopeOp } from "../channel/envelope.js";
import type { RingReader } from "../channel/ring-reader.js";
import type { RingWriter } from "../channel/ring-writer.js";
import { isOutOfDescriptors } from "../journal/disk-fault.js";
import type { Journal } from "../journal/journal.js";
import { LENGTH_BYTES, OP, REQUEST } from "../protocol/frame.js";
import { Op } from "../protocol/op.js";
import type { Command } from "../shard/command.js";
import type { IdSource } from "../shard/messages/id-allocator.js";
import { Shard, type ShardLimits } from "../shard/shard.js";
import type { Refusal } from "../shard/topics/publisher.js";
import { CommandDecoder, type DecoderLimits } from "./command-decoder.js";
import { FrameEffects } from "./frame-effects.js";
import { HeldEffects } from "./held-effects.js";
import { Outbound } from "./outbound.js";
import { Doing, type Pulse } from "./pulse.js";
import { RoomWatch } from "./room-watch.js";
import type { Growth } from "./space-gauge.js";
import { Turns } from "./turns.js";

/**
 * What is taken out of the inbox before timers are looked at and answers are sent: about a millisecond of work. Records
 * are taken a few at a time to notice when their bytes pass the bound.
 */
const DRAIN_RECORDS = 256;
const DRAIN_BYTES = 512 * 1024;
const DRAIN_STEP = 8;

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
 * How long a journal that cannot write is left alone, and the bytes that may be held back meanwhile. Past them nothing
 * is taken out of the inbox.
 */
const RETRY_EVERY = 100;
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** The longest sleep: a timer is never further away than the shard says, this only bounds what a bug could cost. */
const MAX_SLEEP = 60_000;

export interface PumpOptions {
  readonly inbox: RingReader;
  readonly outbox: RingWriter;
  readonly ids: IdSource;
  readonly node: number;
  readonly shards: number;
  readonly limits: ShardLimits & DecoderLimits;
  readonly memoryBytes: number;
  /** Of the broker, `Durability`. */
  readonly level: number;
  /** Bytes of a segment of the journal; undefined: there is none. */
  readonly segmentBytes: number | undefined;
  readonly shard: number;
  /** Reads the journal back into the shard, which is empty, and answers what goes on with it. */
  readonly openJournal: (shard: Shard) => Journal;
  /** Whether the file system has so little room left that publishes must wait. */
  readonly isDiskFull: (growth: Growth) => boolean;
  /** Work of the background; answers when there is something to do again, milliseconds since 1970. */
  readonly chores: (now: number) => number;
  /** Something that was asked for outside of the rings has come. */
  readonly onNotice: () => void;
  /** The journal stands still, or goes on (undefined). */
  readonly onStall: (error: NodeJS.ErrnoException | undefined) => void;
  /** The journal works and has no room for publishes, or has some again. */
  readonly onRoom: (hasRoom: boolean) => void;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
  readonly pulse: Pulse;
}

/** Whether a command may take long by itself, so that the clock is looked at behind it. */
const mayWalk = (command: Command): boolean => {
  switch (command.op) {
    case "ack":
    case "pop":
    case "credit":
    case "publishChannel":
      return false;
    default:
      return true;
  }
};

const DISK_FULL: Refusal = {
  kind: "DISK_FULL",
  text: "the disk is full: free some space, or acknowledge messages, and publish again",
};

/** For the pulse: of a connection as a whole, and no request of it. */
const NO_OP = 0;

const LANE_FULL =
  "the connection has asked for more work than the shard keeps for it: wait for answers, then ask again";

const OUT_OF_DESCRIPTORS: Refusal = {
  kind: "OUT_OF_DESCRIPTORS",
  text: "the broker can open no file now: close connections, or raise its limit of open files, and publish again",
};

/** Sleeps without looking at anything. */
const pause = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

export class Pump {
  readonly #options: PumpOptions;
  readonly #inbox: RingReader;
  readonly #journal: Journal;
  readonly #clock: () => number;
  /** Answers that wait for the journal, and those that do not. */
  readonly #held: Outbound;
  readonly #free: Outbound;
  readonly #effects: HeldEffects<FrameEffects>;
  readonly #shard: Shard;
  readonly #decoder: CommandDecoder;
  #now: number;
  /** Bytes of this drain, and of all since the last commit; when the first of those drains began. */
  #drained = 0;
  #uncommitted = 0;
  #uncommittedSince = 0;
  readonly #turns: Turns;
  readonly #pulse: Pulse;
  readonly #room: RoomWatch;
  #isStopping = false;
  /** When it ends whatever waits in lanes. */
  #stopBy = Number.POSITIVE_INFINITY;
  #isStalled = false;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#inbox = options.inbox;
    this.#clock = options.clock;
    this.#now = options.clock();
    this.#pulse = options.pulse;
    this.#room = new RoomWatch(options.onRoom);
    this.#held = new Outbound(options.outbox, options.pulse);
    this.#free = new Outbound(options.outbox, options.pulse);
    this.#effects = new HeldEffects(
      new FrameEffects(this.#free),
      new FrameEffects(this.#held),
      () => this.#shard.store.isDurable,
      () => this.#shard.store.areIdsDurable,
    );
    this.#shard = new Shard({ ...options, effects: this.#effects, now: this.#now });
    this.#journal = options.openJournal(this.#shard);
    this.#decoder = new CommandDecoder(
      options.limits,
      (command) => {
        if (!this.#shard.apply(command, this.#now)) this.#decoder.hold();
        // A batch takes as long as its bytes say: what bounds those bounds it.
        if (command.op !== "publish" || command.routeKey !== "") this.#turns.done(mayWalk(command));
        this.#relieve();
      },
      (connection, request, error) => {
        this.#effects.fail(connection, request, error.kind, error.message);
        this.#turns.done(false);
        this.#relieve();
      },
      options.pulse,
    );
    this.#turns = new Turns({
      decode: (connection, bytes, view, start, end) => this.#decoder.decode(connection, bytes, view, start, end),
      stop: () => this.#decoder.stop(),
      refuse: (connection, bytes, view, start, end) => this.#refuse(connection, bytes, view, start, end),
      disconnect: (connection) => this.#tell("disconnect", connection),
      next: () => {
        this.#now = this.#clock();
      },
    });
  }

  /**
   * Runs until the main thread says STOP. Blocks the thread while there is nothing to do.
   *
   * @throws the error of the journal when it will never confirm again.
   */
  run(): void {
    const options = this.#options;
    const pulse = this.#pulse;
    while (!this.#isOver) {
      pulse.beat();
      this.#now = this.#clock();
      pulse.at(Doing.requests);
      this.#judgePublishes();
      const isClogged = this.#isClogged;
      if (isClogged && this.#isStopping) break;
      const taken = isClogged ? 0 : this.#drain();
      if (!isClogged) this.#turns.serve();
      pulse.at(Doing.turn);
      const due = isClogged ? Number.POSITIVE_INFINITY : this.#shard.turn(this.#now);
      pulse.at(Doing.answers);
      if (this.#isWorthWaiting(taken)) this.#flushFree();
      else this.#flush();
      pulse.at(Doing.chores);
      const chores = Math.min(this.#journal.tick(this.#shard.store.log, this.#now), options.chores(this.#now));
      // A sync that no commit waited for has failed: nobody would be told but by refusals of a disk that is not full.
      if (this.#journal.state.kind === "failed") throw this.#journal.state.error;
      const hasMore = !isClogged && !this.#turns.isIdle;
      if (taken > 0 || this.#isStopping || hasMore) continue;
      this.#sleep(Math.min(due, chores, this.#room.due), isClogged);
    }
    pulse.at(Doing.ending);
    this.#journal.close(this.#shard.store.log, this.#now);
  }

  /** It is to stop, and has carried out what it was asked for before: what waits in lanes as far as there is time. */
  get #isOver(): boolean {
    if (!this.#isStopping || !this.#inbox.isEmpty) return false;
    return this.#turns.isIdle || this.#clock() >= this.#stopBy;
  }

  #sleep(until: number, isClogged: boolean): void {
    const most = this.#isStalled ? RETRY_EVERY : MAX_SLEEP;
    const sleep = Math.min(until - this.#clock(), most);
    if (sleep <= 0) return;
    this.#pulse.at(Doing.asleep);
    if (isClogged) pause(sleep);
    else this.#inbox.wait(sleep);
  }

  /** The journal stands still, and as much waits for it as may. */
  get #isClogged(): boolean {
    const { log } = this.#shard.store;
    return this.#isStalled && this.#held.bytes + log.position - log.durable > MAX_HELD_BYTES;
  }

  /** Whether what must be kept can be taken at present. */
  #judgePublishes(): void {
    const { log } = this.#shard.store;
    const hasRoom = !log.isJournalled || this.#journal.roomForPublishes(log);
    this.#room.look(this.#journal.state.kind === "working" ? hasRoom : undefined, this.#now);
    const isDiskFull = log.isJournalled && this.#options.isDiskFull(log);
    this.#shard.refusal = isDiskFull || !hasRoom ? this.#refusal : undefined;
  }

  get #refusal(): Refusal {
    const { state } = this.#journal;
    return state.kind === "stalled" && isOutOfDescriptors(state.error) ? OUT_OF_DESCRIPTORS : DISK_FULL;
  }

  /** Takes commands out of the inbox, a bounded amount of work; answers how many records. */
  #drain(): number {
    let taken = 0;
    let step = DRAIN_STEP;
    this.#drained = 0;
    this.#turns.begin();
    while (step === DRAIN_STEP && taken < DRAIN_RECORDS && this.#drained < DRAIN_BYTES) {
      step = this.#inbox.drain(this.#onRecord, DRAIN_STEP);
      taken += step;
    }
    return taken;
  }

  /** Whether a commit does better to wait for what is in the inbox. */
  #isWorthWaiting(taken: number): boolean {
    if (taken === 0 || this.#inbox.isEmpty || this.#isStalled || this.#isStopping) return false;
    if (this.#uncommitted === 0) this.#uncommittedSince = this.#now;
    this.#uncommitted += this.#drained;
    return this.#uncommitted < COMMIT_BYTES && this.#now - this.#uncommittedSince < COMMIT_WITHIN;
  }

  /** Sends before too much is staged: one record of the inbox may hold thousands of requests with long answers. */
  #relieve(): void {
    if (this.#free.bytes + this.#held.bytes <= STAGED_BYTES || this.#isStalled) return;
    const begin = performance.now();
    this.#flush();
    this.#turns.excuse(performance.now() - begin);
  }

  /** Sends what waits for nothing, commits, and sends what was waiting for that. */
  #flush(): void {
    this.#flushFree();
    this.#uncommitted = 0;
    const { log } = this.#shard.store;
    if (log.position > log.durable && this.#journal.commit(log, this.#now) < log.position) return this.#stall();
    if (this.#isStalled) this.#goOn();
    if (this.#held.bytes === 0) return;
    this.#held.flush();
    this.#effects.released();
  }

  #flushFree(): void {
    this.#effects.finish();
    if (this.#free.bytes > 0) this.#free.flush();
  }

  #stall(): void {
    const { state } = this.#journal;
    if (state.kind === "failed") throw state.error;
    if (state.kind === "working") throw new Error("pump: the journal has not made the log durable");
    if (this.#isStalled) return;
    this.#isStalled = true;
    this.#options.onStall(state.error);
  }

  #goOn(): void {
    this.#isStalled = false;
    this.#options.onStall(undefined);
  }

  /** Refuses frames for which there is no room in a lane. Credit is not asked for again, and costs nothing. */
  #refuse(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const next = at + LENGTH_BYTES + view.getUint32(at);
      const request = view.getUint32(at + REQUEST);
      if (view.getUint8(at + OP) === Op.CREDIT) this.#decoder.decode(connection, bytes, view, at, next);
      else if (request !== 0) this.#effects.fail(connection, request, "BUSY", LANE_FULL);
      at = next;
    }
    this.#relieve();
  }

  /** Tells the shard of a connection as a whole. False: only a step of it is done. */
  #tell(op: "disconnect" | "hold" | "release", connection: number): boolean {
    this.#pulse.carriesOut(NO_OP, connection);
    return this.#shard.apply({ op, connection }, this.#now);
  }

  readonly #onRecord = (
    envelope: readonly number[],
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void => {
    const [op = 0, connection = 0] = envelope;
    // The present of each record, not of the drain: a delay must not begin before it was asked for.
    this.#now = this.#clock();
    this.#drained += end - start;
    switch (op) {
      case EnvelopeOp.FRAMES:
        this.#turns.take(connection, bytes, view, start, end);
        break;
      case EnvelopeOp.DISCONNECT:
        this.#turns.leave(connection);
        break;
      case EnvelopeOp.HOLD:
        this.#tell("hold", connection);
        break;
      case EnvelopeOp.RELEASE:
        this.#tell("release", connection);
        break;
      case EnvelopeOp.NOTICE:
        this.#options.onNotice();
        break;
      case EnvelopeOp.STOP:
        this.#isStopping = true;
        this.#stopBy = this.#now + STOP_WITHIN;
        break;
      default:
        throw new Error(`pump: an envelope with the unknown op ${op}`);
    }
  };
}
