/**
 * One native connection, whatever carries it: takes its frames, knows which of its requests are unanswered, sends it
 * what the shards answer, and keeps both directions bounded.
 *
 * ```
 *   OPEN ── fail, conclude ──▶ CLOSING ── the transport has closed ──▶ CLOSED
 *     └───────────────────── the other side went ─────────────────────────▲
 * ```
 */
import { EnvelopeOp, packEnvelope } from "../../channel/envelope.js";
import { ERRORS, type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { LENGTH_BYTES, REQUEST } from "../../protocol/frame.js";
import { Op } from "../../protocol/op.js";
import { type BackupRefusal, type BackupSummary, readBackupHead } from "../data/backup.js";
import type { BrokerOptions } from "../options.js";
import type { Router } from "../shards/router.js";
import type { Sender, ShardLink } from "../shards/shard-link.js";
import { LOSS_TEXTS, type LossKind } from "../shards/shard-loss.js";
import type { AssemblyMemory } from "./assembly.js";
import { guard } from "./boundary.js";
import { ConsumerLedger } from "./consumer-ledger.js";
import { FrameIntake, type FrameSink } from "./frame-intake.js";
import { Outgoing } from "./outgoing.js";
import type { OutputPool } from "./output-pool.js";
import { answerError, answerHello, answerPing, answerResult, sayConsumerClosed, sayGoodbye } from "./own-answers.js";
import { Reception, type Requester } from "./reception.js";
import { RequestWindow } from "./request-window.js";
import { settle } from "./settled-requests.js";
import type { Transport } from "./transport.js";
import { MIN_HELD_BYTES, type UnsentBudget } from "./unsent-budget.js";
import type { WaitingInput } from "./waiting-input.js";

/** What all connections share. */
export interface Switchboard {
  readonly options: BrokerOptions;
  readonly router: Router;
  /** By shard; undefined: the shard is down for good. */
  readonly links: readonly (ShardLink | undefined)[];
  /** Of a shard that is down: why. */
  readonly down: readonly (LossKind | undefined)[];
  readonly assembly: AssemblyMemory;
  readonly pool: OutputPool;
  readonly unsent: UnsentBudget;
  readonly waiting: WaitingInput;
  /** The broker stops, and shards go one after another. */
  readonly isClosing: boolean;
  /** The head of the broker's HELLO. */
  readonly hello: Uint8Array;
  /** The connection has said HELLO. */
  greeted(connection: NativeConnection): void;
  /** Backs the broker up into a new directory, or says why not; rejects with a `ProtocolError`. */
  backup(connection: NativeConnection, directory: string | undefined): Promise<BackupSummary> | BackupRefusal;
  /** The connection's transport has closed. */
  closed(connection: NativeConnection): void;
}

const State = { OPEN: 0, CLOSING: 1, CLOSED: 2 } as const;

/**
 * A connection this many times over `maxOutgoingBytes`, a largest frame, and what shards have under way is cut off: the
 * shards were told to hold back long ago.
 */
const CUT_OFF = 4;

/** What a shard may send in the turn in which it is told to hold back. Its outbox may be full on top of that. */
const TURN_BYTES = 2 * 1024 * 1024;

/**
 * How often a connection may be over its bound of waiting input: once when it reaches it, then by the run that was
 * pending when that was asked, and by the frame that was being looked at. Each is at most as long as the bound.
 */
const WAITING_BOUNDS = 3;

/** Past that a connection may send this much that needs no answer. */
const UNANSWERED_SLACK_BYTES = 64 * 1024;

const STOPPING = "the broker is stopping";

export class NativeConnection implements FrameSink, Requester, Sender {
  /** What the client calls itself. */
  name = "";
  /** In the list of those that have something gathered. */
  isDirty = false;
  /** The last audience that it was part of: see `OutboxDrain`. */
  audience = 0;
  /** Bytes have come since this was last set to false. */
  isActive = true;
  readonly #board: Switchboard;
  readonly #transport: Transport;
  readonly #outgoing: Outgoing;
  readonly #intake: FrameIntake;
  readonly #window: RequestWindow;
  readonly #ledger = new ConsumerLedger();
  readonly #reception: Reception;
  /** What its frames travel under. */
  readonly #envelope: Uint8Array;
  /** By shard: 1 when it has heard of this connection. */
  readonly #used: Uint8Array;
  readonly #maxWaitingBytes: number;
  readonly #cutOffBytes: number;
  /** The broker's own: as long as the broker lives, so does it. */
  readonly #isOwn: boolean;
  #state: number = State.OPEN;
  #isReceiving = false;
  #hasLeft = false;
  /** Bytes that wait in the lines of shards. */
  #waitingBytes = 0;
  /** Its outgoing bytes are above the limit and shards know it. */
  #isHeld = false;
  #isPaused = false;

  constructor(
    readonly id: number,
    transport: Transport,
    board: Switchboard,
    { isOwn = false, isGreeted = false, maxInFlight = board.options.maxInFlight } = {},
  ) {
    const { maxFrameBytes, maxOutgoingBytes, ringBytes } = board.options;
    this.#board = board;
    this.#transport = transport;
    this.#outgoing = new Outgoing(transport, board.pool);
    this.#intake = new FrameIntake(this, maxFrameBytes, board.assembly, isGreeted);
    this.#window = new RequestWindow(maxInFlight);
    this.#envelope = Uint8Array.from(packEnvelope([EnvelopeOp.FRAMES, id]));
    this.#used = new Uint8Array(board.links.length);
    this.#maxWaitingBytes = transport.canPause ? Number.POSITIVE_INFINITY : maxFrameBytes;
    const underWay = board.links.length * (ringBytes + TURN_BYTES);
    this.#cutOffBytes = CUT_OFF * maxOutgoingBytes + LENGTH_BYTES + maxFrameBytes + underWay;
    this.#isOwn = isOwn;
    this.#reception = new Reception(this, board.router, this.#window, this.#ledger, isGreeted);
  }

  /** It is a TCP connection, which no page in a browser can open. */
  get isTcp(): boolean {
    return !this.#transport.framed && !this.#isOwn;
  }

  get peer(): string {
    return this.#transport.peer;
  }

  get isOpen(): boolean {
    return this.#state === State.OPEN;
  }

  /** Unanswered requests. */
  get inFlight(): number {
    return this.#window.size;
  }

  // What the transport brings.

  /** Bytes of frames: [start, end), the caller's again when it returns. */
  receive(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.#state !== State.OPEN) return;
    this.isActive = true;
    this.#isReceiving = true;
    try {
      this.#intake.take(bytes, view, start, end);
    } finally {
      this.#isReceiving = false;
    }
    if (this.#state !== State.OPEN) this.#finish();
    else if (this.#outgoing.gathered > 0) this.flush();
  }

  /** The transport has sent some of what was buffered. */
  drained(): void {
    const buffered = this.#transport.bufferedBytes();
    this.#board.unsent.account(this, buffered);
    if (!this.#isHeld || buffered > this.#heldFrom / 2) return;
    this.#isHeld = false;
    this.#tellShards(EnvelopeOp.RELEASE);
    this.#updateReading();
  }

  /** The transport has closed: nothing can be sent any more. */
  closed(): void {
    if (this.#state === State.CLOSED) return;
    this.#state = State.CLOSED;
    this.#intake.stop();
    this.#outgoing.discard();
    this.#board.unsent.forget(this);
    this.#leave();
    this.#board.closed(this);
  }

  // What shards bring. All of it is gathered until `flush`.

  /** Whole frames for this connection. */
  deliver(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.#state !== State.OPEN) return;
    settle(this.#window, this.#ledger, view, start, end);
    this.#outgoing.append(bytes, start, end);
  }

  /** Whole frames that answer no request and that others get too; written at once if that is cheaper than a copy. */
  deliverShared(bytes: Buffer, atOnce: boolean): boolean {
    if (this.#state !== State.OPEN) return true;
    if (atOnce) {
      const isFree = this.#outgoing.writeShared(bytes);
      // Now, not when all of the audience has been written to: it may be thousands.
      this.#board.unsent.account(this, this.#transport.bufferedBytes());
      return isFree;
    }
    this.#outgoing.append(bytes, 0, bytes.length);
    return true;
  }

  /** Writes what is gathered; more than the transport takes makes shards hold back. */
  flush(): void {
    if (this.#state === State.CLOSED) return;
    this.#outgoing.flush();
    const buffered = this.#transport.bufferedBytes();
    this.#board.unsent.account(this, buffered);
    if (buffered <= this.#heldFrom || this.#state !== State.OPEN) return;
    if (buffered > this.#cutOffBytes) return this.#cutOff(buffered);
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#tellShards(EnvelopeOp.HOLD);
    this.#updateReading();
  }

  /** The shard lost all it knew. Its requests are answered, its consumers are told. */
  shardLost(shard: number, kind: LossKind): void {
    this.#used[shard] = 0;
    if (this.#state !== State.OPEN) return;
    const text = LOSS_TEXTS[kind];
    for (const request of this.#window.takeShard(shard)) {
      this.#ledger.refused(request);
      answerError(this.#outgoing, kind, text, request);
    }
    for (const request of this.#ledger.takeShard(shard)) sayConsumerClosed(this.#outgoing, kind, text, request);
    this.flush();
  }

  /** Bytes that waited for a shard do so no more. */
  taken(bytes: number): void {
    this.#waitingBytes -= bytes;
    this.#board.waiting.remove(bytes);
    if (this.#waitingBytes === 0) this.#updateReading();
  }

  // What ends it.

  /** Says what is wrong. Closes the connection if the error is one that does. */
  fail(kind: ErrorName, text: string, request: number): void {
    if (this.#state !== State.OPEN) return;
    answerError(this.#outgoing, kind, text, request);
    if (ERRORS[kind].closes) this.conclude();
  }

  /** Sends what is gathered and closes. */
  conclude(): void {
    if (this.#state !== State.OPEN) return;
    this.#state = State.CLOSING;
    this.#intake.stop();
    // While frames are taken in, those before the one that ended it are still to be forwarded.
    if (!this.#isReceiving) this.#finish();
  }

  goodbye(): void {
    if (this.#state !== State.OPEN) return;
    sayGoodbye(this.#outgoing);
    this.flush();
  }

  /** The broker stops: says so to each request that is still unanswered, and closes. */
  shutDown(): void {
    if (this.#state !== State.OPEN) return;
    for (const request of this.#window.live()) {
      answerError(this.#outgoing, "SHUTTING_DOWN", STOPPING, request);
    }
    this.conclude();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  bufferedBytes(): number {
    return this.#transport.bufferedBytes();
  }

  /** Unsent bytes from which on it is held: fewer while all connections together leave too much unread. */
  get #heldFrom(): number {
    const { unsent, options } = this.#board;
    return unsent.isShort ? MIN_HELD_BYTES : options.maxOutgoingBytes;
  }

  /** Waiting bytes from which on it is closed: requests are refused long before, so that most of them need no answer. */
  get #cutOffWaiting(): number {
    if (this.#transport.canPause) return Number.POSITIVE_INFINITY;
    if (this.#board.waiting.isSpent) return UNANSWERED_SLACK_BYTES;
    return WAITING_BOUNDS * (LENGTH_BYTES + this.#maxWaitingBytes) + UNANSWERED_SLACK_BYTES;
  }

  /** About once a second; `now` is of a clock that does not step. */
  sweep(now: number): void {
    if (this.#state !== State.OPEN) return;
    const isPaused = this.#isPaused && this.#transport.canPause;
    // Who does not read its answers has itself to thank.
    this.#intake.sweep(now, isPaused, isPaused && this.#waitingBytes > 0);
  }

  /** Gives back memory of a busier time. */
  trim(): void {
    if (!this.isActive) this.#window.trim();
    this.isActive = false;
  }

  // FrameSink: what the intake finds.

  route(bytes: Uint8Array, view: DataView, start: number): number {
    return this.#reception.route(bytes, view, start);
  }

  forward(shard: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const link = this.#board.links[shard];
    if (link === undefined) return this.#refuseRun(shard, view, start, end);
    if (this.#used[shard] === 0) {
      this.#used[shard] = 1;
      if (this.#isHeld) link.tell(EnvelopeOp.HOLD, this.id);
    }
    if (link.send(this, this.#envelope, bytes, start, end)) return;
    this.#waitingBytes += end - start;
    this.#board.waiting.add(end - start);
    this.#updateReading();
    // The broker's own has nothing but requests, which are refused one by one from the bound on.
    if (this.#isOwn || this.#waitingBytes <= this.#cutOffWaiting) return;
    this.fail("BUSY", "too much input waits that needs no answer", 0);
    this.conclude();
  }

  malformed(kind: ErrorName, text: string, request: number): void {
    this.fail(kind, text, request);
  }

  overloaded(request: number): void {
    this.fail("BUSY", "the broker has no memory for so long a frame at the moment", request);
  }

  tooSlow(text: string): void {
    this.fail("TOO_SLOW", text, 0);
  }

  // Requester: what the reception finds.

  get isOverloaded(): boolean {
    const { waiting } = this.#board;
    if (this.#waitingBytes === 0) return waiting.isSpent;
    return this.#waitingBytes > this.#maxWaitingBytes || waiting.isShort;
  }

  greeted(name: string, request: number): void {
    this.name = name;
    this.#intake.greeted();
    this.#board.greeted(this);
    answerHello(this.#outgoing, Op.HELLO, request, this.#board.hello);
  }

  pinged(request: number): void {
    answerPing(this.#outgoing, request);
  }

  backupAsked(head: Uint8Array, request: number): void {
    const backup = this.#beginBackup(head);
    if (!(backup instanceof Promise)) {
      this.#window.clear(request);
      return this.fail(backup.kind, backup.text, request);
    }
    guard(
      this.#board.options.log,
      "a backup",
      () => this.#answerBackup(backup, request),
      () => {
        this.fail("BACKUP_FAILED", "there is no backup: the broker's log tells why", request);
        this.flush();
      },
    );
  }

  #beginBackup(head: Uint8Array): Promise<BackupSummary> | BackupRefusal {
    try {
      return this.#board.backup(this, readBackupHead(head));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { kind: error.kind, text: error.message };
    }
  }

  /** Answers when it is done, in some later turn. The broker makes one backup at a time, so that these are few. */
  async #answerBackup(backup: Promise<BackupSummary>, request: number): Promise<void> {
    try {
      const summary = await backup;
      this.#window.clear(request);
      if (this.#state !== State.OPEN) return;
      answerResult(this.#outgoing, request, summary);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#window.clear(request);
      this.fail(error.kind, error.message, request);
    }
    if (!this.#isReceiving) this.flush();
  }

  /** Refuses each request of a run whose shard is down, or has gone before this connection as the broker stops. */
  #refuseRun(shard: number, view: DataView, start: number, end: number): void {
    const { isClosing, down } = this.#board;
    const kind = down[shard] ?? "SHARD_DOWN";
    for (let at = start; at < end; at += LENGTH_BYTES + view.getUint32(at)) {
      const request = view.getUint32(at + REQUEST);
      if (!this.#window.clear(request)) continue;
      this.#ledger.refused(request);
      if (isClosing) answerError(this.#outgoing, "SHUTTING_DOWN", STOPPING, request);
      else answerError(this.#outgoing, kind, LOSS_TEXTS[kind], request);
    }
  }

  #tellShards(op: number): void {
    for (let shard = 0; shard < this.#used.length; shard++) {
      if (this.#used[shard] === 1) this.#board.links[shard]?.tell(op, this.id);
    }
  }

  #updateReading(): void {
    const shouldPause = this.#isHeld || this.#waitingBytes > 0;
    if (shouldPause === this.#isPaused || this.#state !== State.OPEN) return;
    this.#isPaused = shouldPause;
    if (shouldPause) this.#transport.pause();
    else this.#transport.resume();
  }

  #cutOff(buffered: number): void {
    this.#board.options.log.warn(
      { peer: this.peer, buffered },
      "a connection that does not read its answers is cut off",
    );
    this.#transport.destroy();
  }

  #finish(): void {
    this.#outgoing.flush();
    this.#transport.end();
    this.#leave();
  }

  /** Shards deliver nothing more, and give back at once what its consumers hold. */
  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#tellShards(EnvelopeOp.DISCONNECT);
  }
}
