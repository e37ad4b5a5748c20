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
import { ERRORS, type ErrorName } from "../../protocol/errors.js";
import { Op } from "../../protocol/op.js";
import type { Sender } from "../shards/shard-link.js";
import { LOSS_TEXTS, type LossKind } from "../shards/shard-loss.js";
import { markAnswered } from "./answered-requests.js";
import { BrokerSide } from "./broker-side.js";
import { type CallConnection, CallSide } from "./call-side.js";
import type { ConnectionContext } from "./connection-context.js";
import type { ConnectionInfo } from "./connection-info.js";
import type { ConnectionKind, SessionSide } from "./connection-kind.js";
import { ConnectionLimits } from "./connection-limits.js";
import { ConsumerLedger } from "./consumer-ledger.js";
import { FrameIntake, type FrameSink } from "./frame-intake.js";
import type { Greeting } from "./handshake.js";
import { Identification, NO_LONGER, type TurnedAway } from "./identification.js";
import { KnownShards } from "./known-shards.js";
import { LatePops, type UnansweredPops, type UnheardPop } from "./late-pops.js";
import { answerError, answerHello, answerPing, STOPPING, sayConsumerClosed, sayGoodbye } from "./local-answers.js";
import { Outgoing } from "./outgoing.js";
import { refuseRun } from "./refused-run.js";
import { type LocalRequests, RequestRouter } from "./request-router.js";
import { RequestWindow } from "./request-window.js";
import { Throttle } from "./throttle.js";
import { Traffic } from "./traffic.js";
import type { Transport } from "./transport.js";

const State = { OPEN: 0, CLOSING: 1, CLOSED: 2 } as const;

export class NativeConnection implements FrameSink, LocalRequests, CallConnection, Sender {
  /** When it was opened: milliseconds since 1970. */
  readonly since: number;
  readonly traffic: Traffic;
  /** In the list of those that have something gathered. */
  isDirty = false;
  /** The last audience that it was part of: see `OutboxDrain`. */
  audience = 0;
  /** Bytes have come since this was last set to false. */
  isActive = true;
  readonly #context: ConnectionContext;
  readonly #transport: Transport;
  readonly #outgoing: Outgoing;
  readonly #intake: FrameIntake;
  readonly #window: RequestWindow;
  readonly #ledger = new ConsumerLedger();
  readonly #requests: RequestRouter;
  /** The envelope of its frames in the rings. */
  readonly #envelope: Uint8Array;
  readonly #shards: KnownShards;
  readonly #limits: ConnectionLimits;
  /** Undefined: its client speaks the native protocol. */
  readonly #session: SessionSide | undefined;
  readonly #identification: Identification;
  readonly #throttle = new Throttle(() => this.#updateReading());
  #state: number = State.OPEN;
  #isReceiving = false;
  #hasLeft = false;
  /** Bytes that wait for room in the inboxes of shards. */
  #waitingBytes = 0;
  /** Its outgoing bytes are above the limit and shards know it. */
  #isHeld = false;
  #isPaused = false;
  /** Undefined until its client makes or takes calls. */
  #calls: CallSide | undefined;
  /** Undefined until its client asks something of the broker itself. */
  #broker: BrokerSide | undefined;
  /** Pops whose answers may still come after the end. */
  #late: LatePops | undefined;

  constructor(
    readonly id: number,
    transport: Transport,
    context: ConnectionContext,
    kind: ConnectionKind = {},
  ) {
    const { session, hasSaidHello = session !== undefined } = kind;
    this.#context = context;
    this.#transport = transport;
    this.since = context.now();
    this.#outgoing = new Outgoing(transport, context.pool);
    this.traffic = new Traffic(this.#outgoing);
    this.#intake = new FrameIntake(this, context.options.maxFrameBytes, context.assembly, hasSaidHello);
    this.#window = new RequestWindow(session?.maxInFlight ?? context.options.maxInFlight);
    this.#envelope = Uint8Array.from(packEnvelope([EnvelopeOp.FRAMES, id]));
    this.#shards = new KnownShards(id, context.links);
    this.#limits = new ConnectionLimits(context, transport.canPause, session !== undefined);
    this.#session = session;
    this.#requests = new RequestRouter(this, context.router, this.#window, this.#ledger, hasSaidHello);
    this.#identification = new Identification(context.access, kind, transport.canPause);
    this.#identified();
  }

  /** It is a TCP connection, which no page in a browser can open. */
  get isTcp(): boolean {
    return !this.#transport.framed && this.#session === undefined;
  }

  get protocol(): string {
    return this.#transport.protocol;
  }

  get peer(): string {
    const { protocol, address } = this.#transport;
    return `${protocol} ${address}`;
  }

  get isOpen(): boolean {
    return this.#state === State.OPEN;
  }

  /** Its client may know how the broker as a whole does. */
  get mayOperate(): boolean {
    return this.#identification.access?.user.mayOperate ?? true;
  }

  /** It is the broker's own, and no client's. */
  get isTrusted(): boolean {
    return this.#identification.isTrusted;
  }

  /** Unanswered requests. */
  get inFlight(): number {
    return this.#window.size;
  }

  /** What is to be told of it. */
  get info(): ConnectionInfo {
    const { protocol, address } = this.#transport;
    const { received, sent, receivedRate, sentRate } = this.traffic;
    return {
      id: this.id,
      protocol,
      address,
      user: this.#identification.access?.user.name ?? "",
      name: this.#shards.name,
      since: this.since,
      unanswered: this.#window.size,
      consumers: this.#ledger.consumers,
      subscriptions: this.#ledger.subscriptions,
      unsentBytes: this.#transport.bufferedBytes(),
      waitingBytes: this.#waitingBytes,
      held: this.#isHeld,
      receivedBytes: received,
      sentBytes: sent,
      receivedRate,
      sentRate,
    };
  }

  // Called by the transport.

  /** Bytes of frames: [start, end), the caller's again when it returns. */
  receive(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.#state !== State.OPEN) return;
    this.isActive = true;
    this.traffic.received += end - start;
    this.#isReceiving = true;
    try {
      this.#intake.take(bytes, view, start, end);
    } finally {
      this.#isReceiving = false;
    }
    if (this.#state !== State.OPEN) this.#finish();
    else if (this.#outgoing.gathered > 0) this.flush();
    this.#throttle.look(this.#requests.access);
  }

  /** The transport has sent some of what was buffered. */
  drained(): void {
    const buffered = this.#transport.bufferedBytes();
    this.#context.unsent.account(this, buffered);
    if (!this.#isHeld || buffered > this.#limits.heldFrom / 2) return;
    this.#isHeld = false;
    this.#shards.tell(EnvelopeOp.UNHOLD);
    this.#calls?.unhold();
    this.#updateReading();
  }

  /** The transport has closed: nothing can be sent any more. `unheard` is given back. */
  closed(unheard: readonly UnheardPop[] = []): void {
    if (this.#state === State.CLOSED) return;
    this.#state = State.CLOSED;
    this.#identification.left();
    this.#throttle.stop();
    this.#intake.stop();
    this.#outgoing.discard();
    this.#context.unsent.forget(this);
    this.#leave();
    if (unheard.length > 0) this.#late?.giveBack(unheard);
    this.#context.closed(this, this.#late?.isPending ?? false);
  }

  // Called for what shards send. It is gathered until `flush`.

  /** Whole frames for this connection. */
  deliver(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.#state !== State.OPEN) return this.#late?.take(view, start, end);
    markAnswered(this.#window, this.#ledger, view, start, end);
    this.#outgoing.append(bytes, start, end);
  }

  /** Whole frames that answer no request and that others get too; written at once if that is cheaper than a copy. */
  deliverShared(bytes: Buffer, atOnce: boolean): boolean {
    if (this.#state !== State.OPEN) return true;
    if (atOnce) {
      const isFree = this.#outgoing.writeShared(bytes);
      // Now, not when all of the audience has been written to: it may be thousands.
      this.#context.unsent.account(this, this.#transport.bufferedBytes());
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
    this.#context.unsent.account(this, buffered);
    if (buffered <= this.#limits.heldFrom || this.#state !== State.OPEN) return;
    if (buffered > this.#limits.cutOffBytes) return this.#cutOff(buffered);
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#shards.tell(EnvelopeOp.HOLD);
    this.#calls?.hold();
    this.#updateReading();
  }

  /** The shard has lost its state. Requests to it are answered with an error, and its consumers are closed. */
  shardLost(shard: number, kind: LossKind): void {
    this.#shards.forget(shard);
    if (this.#state !== State.OPEN) return this.#late?.shardLost(shard);
    const text = LOSS_TEXTS[kind];
    for (const request of this.#window.takeShard(shard)) {
      this.#ledger.refused(request);
      answerError(this.#outgoing, kind, text, request);
    }
    for (const request of this.#ledger.takeShard(shard)) sayConsumerClosed(this.#outgoing, kind, text, request);
    this.flush();
  }

  /** Bytes that waited for a shard are in its inbox now. */
  taken(bytes: number): void {
    this.#waitingBytes -= bytes;
    this.#context.waiting.remove(bytes);
    if (this.#waitingBytes === 0) this.#updateReading();
  }

  // The end.

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

  /** About once a second; `now` is of a clock that does not step. */
  sweep(now: number): void {
    if (this.#state !== State.OPEN) return;
    this.traffic.measure(now);
    const isPaused = this.#isPaused && this.#transport.canPause;
    // No excuse for a client that does not read its answers.
    this.#intake.sweep(now, isPaused, isPaused && (this.#waitingBytes > 0 || this.#throttle.isOn));
    this.recheck();
  }

  /** Looks whether its client may still be here: users may have changed, or a token's time may be over. */
  recheck(): void {
    if (this.#requests.isGreeted && this.#identification.isOver) this.fail("UNAUTHORIZED", NO_LONGER, 0);
    else if (this.#requests.access !== undefined) this.#shards.show(this.#identification.sees);
  }

  /** Gives back memory of a busier time. */
  trim(): void {
    if (!this.isActive) this.#window.trim();
    this.isActive = false;
  }

  // FrameSink: called by the intake.

  route(bytes: Uint8Array, view: DataView, start: number): number {
    return this.#requests.route(bytes, view, start);
  }

  forward(shard: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const link = this.#context.links[shard];
    if (link === undefined) {
      const { isClosing, down } = this.#context;
      const kind = isClosing ? "SHUTTING_DOWN" : (down[shard] ?? "SHARD_DOWN");
      return refuseRun(this.#outgoing, kind, this.#window, this.#ledger, view, start, end);
    }
    this.#shards.meet(shard, link, this.#isHeld);
    if (link.send(this, this.#envelope, bytes, start, end)) return;
    this.#waitingBytes += end - start;
    this.#context.waiting.add(end - start);
    this.#updateReading();
    // Nearly all that a session sends is requests, which are refused one by one past the limit.
    if (this.#session !== undefined || this.#waitingBytes <= this.#limits.cutOffWaiting) return;
    this.fail("BUSY", "too much input waits that needs no answer", 0);
    this.conclude();
  }

  overloaded(request: number): void {
    this.fail("BUSY", "the broker has no memory for so long a frame at the moment", request);
  }

  // LocalRequests: requests that the main thread answers itself.

  get isOverloaded(): boolean {
    return this.#limits.isOverloaded(this.#waitingBytes);
  }

  hello({ name, token }: Greeting, request: number): void {
    const refusal = this.#identification.greet(token);
    if (refusal !== undefined) return this.#turnAway(refusal, request);
    this.#identified();
    this.#shards.name = name;
    this.#intake.allowLargeFrames();
    this.#context.saidHello(this);
    answerHello(this.#outgoing, Op.HELLO, request, this.#context.hello);
  }

  #identified(): void {
    this.#requests.access = this.#identification.access;
    this.#shards.sees = this.#identification.sees;
  }

  /** Nothing more of it is read, whenever it is told so. */
  #turnAway({ kind, text, delay }: TurnedAway, request: number): void {
    if (delay === 0) return this.fail(kind, text, request);
    this.#intake.stop();
    this.#transport.pause();
    setTimeout(() => this.fail(kind, text, request), delay).unref();
  }

  ping(request: number): void {
    answerPing(this.#outgoing, request);
  }

  administer(op: number, head: Uint8Array, request: number): void {
    this.#broker ??= new BrokerSide(this, this.#outgoing, this.#window, this.#context);
    this.#broker.take(op, head, request);
  }

  call(op: number, request: number, bytes: Uint8Array, view: DataView, start: number): void {
    if (this.#calls === undefined) {
      this.#calls = new CallSide(this, this.#outgoing, this.#window, this.#ledger, this.#context);
      if (this.#isHeld) this.#calls.hold();
    }
    this.#calls.take(op, request, bytes, view, start);
  }

  // CallConnection: what calls send it is gathered until `flush`.

  relieve(): void {
    if (this.#transport.bufferedBytes() > this.#limits.heldFrom) this.flush();
  }

  #updateReading(): void {
    const shouldPause = this.#isHeld || this.#waitingBytes > 0 || this.#throttle.isOn;
    if (shouldPause === this.#isPaused || this.#state !== State.OPEN) return;
    this.#isPaused = shouldPause;
    if (shouldPause) this.#transport.pause();
    else this.#transport.resume();
  }

  #cutOff(buffered: number): void {
    this.#context.options.log.warn(
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

  /** Shards deliver nothing more, and give back at once what its consumers hold; its calls end. */
  #leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#shards.tell(EnvelopeOp.DISCONNECT);
    this.#calls?.leave();
    this.#broker?.leave();
    if (this.#session !== undefined) this.#awaitLatePops(this.#session.unanswered);
  }

  #awaitLatePops(unanswered: UnansweredPops): void {
    const { router, links } = this.#context;
    const send = (shard: number, bytes: Uint8Array, view: DataView): boolean => {
      if (links[shard] === undefined) return false;
      this.forward(shard, bytes, view, 0, bytes.length);
      return true;
    };
    const onOver = (shards: readonly number[]): void => {
      for (const shard of shards) links[shard]?.tell(EnvelopeOp.DISCONNECT, this.id);
      if (this.#state === State.CLOSED) this.#context.closed(this, false);
    };
    const late = new LatePops(router, unanswered, send, onOver);
    this.#late = late;
    late.begin();
  }
}
