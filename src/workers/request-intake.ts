/**
 * Takes messages from the inbox, lets connections take turns, decodes their requests and has the shard carry them out.
 */
import type { MessageHandler, MessageReader } from "../channel/ends.js";
import { EnvelopeOp } from "../channel/envelope.js";
import { LENGTH_BYTES, OP, REQUEST } from "../protocol/frame.js";
import { MAX_CLIENT_NAME } from "../protocol/limits.js";
import { Op } from "../protocol/op.js";
import { readText, readTextUpTo } from "../protocol/text.js";
import type { Command } from "../shard/command.js";
import type { Effects } from "../shard/effects.js";
import type { Shard } from "../shard/shard.js";
import type { Refusal } from "../shard/topics/batch-appender.js";
import { CommandDecoder } from "./command-decoder.js";
import type { DecoderLimits } from "./decoder-limits.js";
import type { Pulse } from "./pulse.js";
import type { Intake } from "./pump.js";
import { Turns } from "./turns.js";

/**
 * What one `take` takes from the inbox: about a millisecond of work. Messages are taken a few at a time, to notice when
 * their bytes exceed the limit.
 */
const DRAIN_MESSAGES = 256;
const DRAIN_BYTES = 512 * 1024;
const DRAIN_STEP = 8;

/** For the pulse, when a whole connection is concerned and not one of its requests. */
const NO_OP = 0;

const LANE_FULL =
  "the connection has asked for more work than the shard keeps for it: wait for answers, then ask again";

/** Requests that have no answer. */
const UNANSWERED: ReadonlySet<number> = new Set([Op.CREDIT, Op.SEEN, Op.ANSWERED, Op.CHANNEL_CREDIT]);

/** Whether a single command may take long, so that the clock must be checked after it. */
const mayWalk = (command: Command): boolean => {
  switch (command.op) {
    case "ack":
    case "pop":
    case "credit":
    case "answered":
    case "publishChannel":
    case "channelCredit":
      return false;
    default:
      return true;
  }
};

export interface RequestIntakeOptions {
  readonly inbox: MessageReader;
  readonly shard: Shard;
  readonly effects: Effects;
  readonly limits: DecoderLimits;
  /** Milliseconds since 1970 that never step back. */
  readonly clock: () => number;
  readonly pulse: Pulse;
  /** Called after each request: sends answers if too much is staged. Returns how many milliseconds that took. */
  readonly relieve: () => number;
  /** Why a command is not carried out at present; undefined: it is. */
  readonly refusalOf: (command: Command) => Refusal | undefined;
  /** An answer has arrived outside the inbox. */
  readonly onNotice: () => void;
  /** STOP has come. */
  readonly onStop: (now: number) => void;
}

export class RequestIntake implements Intake {
  taken = 0;
  takenBytes = 0;
  readonly #options: RequestIntakeOptions;
  readonly #inbox: MessageReader;
  readonly #shard: Shard;
  readonly #clock: () => number;
  readonly #decoder: CommandDecoder;
  readonly #turns: Turns;
  #now = 0;
  /** STOP has come: what is behind it is not taken. */
  #isStopped = false;
  /** What is decoded is refused, except that it is heard. */
  #isRefusing = false;

  constructor(options: RequestIntakeOptions) {
    const { shard, limits, clock, pulse } = options;
    this.#options = options;
    this.#inbox = options.inbox;
    this.#shard = shard;
    this.#clock = clock;
    this.#decoder = new CommandDecoder(
      limits,
      (command) => {
        const refusal = options.refusalOf(command);
        if (refusal !== undefined) this.#refuseCommand(command, refusal);
        // Its connection may have another command under way, which must not be taken for this one.
        else if (this.#isRefusing && command.op === "seen") shard.see(command);
        else if (!shard.apply(command, this.#now)) this.#decoder.hold();
        // Only routed publishes count: the others take as long as their bytes suggest, and those are bounded already.
        if (command.op !== "publish" || command.routeKey !== "") this.#turns.done(mayWalk(command));
        this.#relieve();
      },
      (connection, request, error) => {
        options.effects.fail(connection, request, error.kind, error.message);
        this.#turns.done(false);
        this.#relieve();
      },
      pulse,
    );
    this.#turns = new Turns({
      clock,
      decode: (connection, bytes, view, start, end) => this.#decoder.decode(connection, bytes, view, start, end),
      stop: () => this.#decoder.stop(),
      refuse: (connection, bytes, view, start, end) => this.#refuse(connection, bytes, view, start, end),
      disconnect: (connection) => this.#tell("disconnect", connection),
      next: () => {
        this.#now = clock();
      },
    });
  }

  get isEmpty(): boolean {
    return this.#isStopped || this.#inbox.isEmpty;
  }

  get isIdle(): boolean {
    return this.#turns.isIdle;
  }

  take(now: number): number {
    let taken = 0;
    let step = DRAIN_STEP;
    this.#now = now;
    this.takenBytes = 0;
    this.#turns.begin();
    while (!this.#isStopped && step === DRAIN_STEP && taken < DRAIN_MESSAGES && this.takenBytes < DRAIN_BYTES) {
      step = this.#inbox.drain(this.#onMessage, DRAIN_STEP);
      taken += step;
    }
    this.taken = taken;
    this.#turns.serve();
    return this.#now;
  }

  #refuseCommand(command: Command, { kind, text }: Refusal): void {
    if ("request" in command) this.#options.effects.fail(command.connection, command.request, kind, text);
  }

  #relieve(): void {
    const spent = this.#options.relieve();
    if (spent > 0) this.#turns.excuse(spent);
  }

  /** Refuses frames that do not fit into their lane. What has no answer is heard: no client repeats it, and it is cheap. */
  #refuse(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#isRefusing = true;
    for (let at = start; at < end; ) {
      const next = at + LENGTH_BYTES + view.getUint32(at);
      const request = view.getUint32(at + REQUEST);
      const op = view.getUint8(at + OP);
      if (UNANSWERED.has(op)) this.#decoder.decode(connection, bytes, view, at, next);
      else if (request !== 0) this.#options.effects.fail(connection, request, "BUSY", LANE_FULL);
      at = next;
    }
    this.#isRefusing = false;
    this.#relieve();
  }

  /** Applies a command about a whole connection. False: only a step of it is done. */
  #tell(op: "disconnect" | "hold" | "unhold", connection: number): boolean {
    this.#options.pulse.carriesOut(NO_OP, connection);
    return this.#shard.apply({ op, connection }, this.#now);
  }

  readonly #onMessage: MessageHandler = (envelope, bytes, view, start, end) => {
    const [op = 0, connection = 0] = envelope;
    // The time of each message, not of the whole take: a delay must not begin before its request.
    this.#now = this.#clock();
    this.takenBytes += end - start;
    switch (op) {
      case EnvelopeOp.FRAMES:
        this.#turns.take(connection, bytes, view, start, end);
        break;
      case EnvelopeOp.NAME:
        this.#shard.name(connection, readTextUpTo(bytes, start, end, MAX_CLIENT_NAME));
        break;
      case EnvelopeOp.SEES:
        this.#shard.sees(connection, readText(bytes, start, end).split("\n"));
        break;
      case EnvelopeOp.DISCONNECT:
        this.#turns.leave(connection);
        break;
      case EnvelopeOp.HOLD:
        this.#tell("hold", connection);
        break;
      case EnvelopeOp.UNHOLD:
        this.#tell("unhold", connection);
        break;
      case EnvelopeOp.NOTICE:
        this.#options.onNotice();
        break;
      case EnvelopeOp.STOP:
        this.#isStopped = true;
        this.#inbox.stop();
        this.#options.onStop(this.#now);
        break;
      default:
        throw new Error(`intake: an envelope with the unknown op ${op}`);
    }
  };
}
