/**
 * The pump: the loop around a shard. It takes commands out of the inbox, gives the shard time, makes the log durable
 * and only then sends what the shard has answered.
 */
import { EnvelopeOp } from "../channel/envelope.js";
import type { RingReader } from "../channel/ring-reader.js";
import type { RingWriter } from "../channel/ring-writer.js";
import { Durability } from "../protocol/op.js";
import type { IdSource } from "../shard/id-allocator.js";
import type { Log } from "../shard/log.js";
import { Shard, type ShardLimits } from "../shard/shard.js";
import { CommandDecoder, type DecoderLimits } from "./command-decoder.js";
import { FrameEffects } from "./frame-effects.js";
import { Outbound } from "./outbound.js";

/** What makes the log durable: the seam where a journal on disk goes. */
export interface Journal {
  /** `Durability` of what `commit` has covered. */
  readonly level: number;
  /** Makes what has been appended durable; answers up to which position of the log. */
  commit(log: Log): number;
}

/** Nothing on disk: a message lives as long as the process. */
export const memoryJournal: Journal = { level: Durability.memory, commit: (log) => log.position };

/**
 * What is taken out of the inbox before timers are looked at and answers are sent: about a millisecond of work. Records
 * are taken a few at a time to notice when their bytes pass the bound.
 */
const DRAIN_RECORDS = 256;
const DRAIN_BYTES = 512 * 1024;
const DRAIN_STEP = 8;

/** Staged answers are sent in the middle of a drain above this, so that a drain needs a bounded buffer. */
const STAGED_BYTES = 1024 * 1024;

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
  readonly journal: Journal;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
}

export class Pump {
  readonly #inbox: RingReader;
  readonly #journal: Journal;
  readonly #clock: () => number;
  readonly #outbound: Outbound;
  readonly #effects: FrameEffects;
  readonly #shard: Shard;
  readonly #decoder: CommandDecoder;
  #now: number;
  /** Bytes of this drain. */
  #drained = 0;
  #isStopping = false;

  constructor(options: PumpOptions) {
    this.#inbox = options.inbox;
    this.#journal = options.journal;
    this.#clock = options.clock;
    this.#now = options.clock();
    this.#outbound = new Outbound(options.outbox);
    this.#effects = new FrameEffects(this.#outbound);
    this.#shard = new Shard({ ...options, effects: this.#effects, now: this.#now });
    this.#decoder = new CommandDecoder(
      options.limits,
      (command) => {
        this.#shard.apply(command, this.#now);
        this.#relieve();
      },
      (connection, request, error) => {
        this.#effects.fail(connection, request, error.kind, error.message);
        this.#relieve();
      },
    );
  }

  /** Runs until the main thread says STOP. Blocks the thread while there is nothing to do. */
  run(): void {
    while (!this.#isStopping || !this.#inbox.isEmpty) {
      this.#now = this.#clock();
      const taken = this.#drain();
      const due = this.#shard.turn(this.#now);
      this.#flush();
      if (taken > 0 || this.#isStopping) continue;
      const sleep = due - this.#clock();
      if (sleep > 0) this.#inbox.wait(Math.min(sleep, MAX_SLEEP));
    }
  }

  /** Takes commands out of the inbox, a bounded amount of work; answers how many records. */
  #drain(): number {
    let taken = 0;
    let step = DRAIN_STEP;
    this.#drained = 0;
    while (step === DRAIN_STEP && taken < DRAIN_RECORDS && this.#drained < DRAIN_BYTES) {
      step = this.#inbox.drain(this.#onRecord, DRAIN_STEP);
      taken += step;
    }
    return taken;
  }

  /** Sends before too much is staged: one record of the inbox may hold thousands of requests with long answers. */
  #relieve(): void {
    if (this.#outbound.bytes > STAGED_BYTES) this.#flush();
  }

  /** Sends what is staged, once the records behind it are durable. */
  #flush(): void {
    this.#effects.finish();
    if (this.#outbound.bytes === 0) return;
    const { log } = this.#shard.store;
    if (this.#journal.commit(log) < log.position) throw new Error("pump: the journal has not made the log durable");
    this.#outbound.flush();
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
        this.#decoder.decode(connection, bytes, view, start, end);
        break;
      case EnvelopeOp.DISCONNECT:
        this.#shard.apply({ op: "disconnect", connection }, this.#now);
        break;
      case EnvelopeOp.HOLD:
        this.#shard.apply({ op: "hold", connection }, this.#now);
        break;
      case EnvelopeOp.RELEASE:
        this.#shard.apply({ op: "release", connection }, this.#now);
        break;
      case EnvelopeOp.STOP:
        this.#isStopping = true;
        break;
      default:
        throw new Error(`pump: an envelope with the unknown op ${op}`);
    }
  };
}
