/**
 * One client of a foreign protocol: what a front end asks of the broker on its behalf. A session is a native connection
 * without frames on a socket: requests go to shards as those of other connections do, under the same limits, and answers
 * come back to handlers. It ends with its client, and leaves nothing behind.
 */
import { SmallMap } from "../../collections/small-map.js";
import { HEAD, LENGTH_BYTES, MIN_LENGTH, OP, REQUEST } from "../../protocol/frame.js";
import { packHead } from "../../protocol/head.js";
import { Answer, Op } from "../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "./answer-frame.js";
import { refusalText } from "./answer-reading.js";
import type { NativeConnection } from "./connection.js";
import { leasesOf, type UnansweredPop, type UnansweredPops } from "./late-pops.js";
import { errorFrame, NO_MESSAGES } from "./local-answers.js";
import { entryOf, selectionOf } from "./request-payloads.js";
import { SESSION_ENDED, SessionAnswers } from "./session-answers.js";
import type { SessionClient } from "./session-client.js";
import type { Identity, Lease, OpenConnection, PopOptions, PublishOptions, SessionOptions } from "./session-options.js";
import { SessionPushes } from "./session-pushes.js";
import { SessionTimers } from "./session-timers.js";
import { type FrameTaker, SessionTransport } from "./session-transport.js";
import type { Refusal, SessionTurns, TurnTaker } from "./session-turns.js";
import { splitReceipts } from "./single-receipts.js";
import { UnheardPops } from "./unheard-pops.js";

/** An unanswered pop. */
interface PendingPop extends UnansweredPop {
  readonly isWaiting: boolean;
}

const LAST_REQUEST = 0xffff_ffff;

/** Who keeps the sessions. */
export interface SessionOwner {
  closed(session: Session): void;
}

export class Session implements TurnTaker, FrameTaker, UnansweredPops {
  readonly identity: Identity;
  /** Consumers and subscriptions. */
  readonly pushes: SessionPushes;
  readonly #options: SessionOptions;
  readonly #client: SessionClient;
  readonly #turns: SessionTurns;
  readonly #owner: SessionOwner;
  readonly #connection: NativeConnection;
  readonly #answers: SessionAnswers;
  readonly #pops = new SmallMap<number, PendingPop>();
  readonly #unheard = new UnheardPops();
  #last = 0;
  /** Waiting pops and holds: what the client has sent behind them must not be carried out yet. */
  #blocking = 0;
  /** The same for moments. */
  #pauses = 0;
  /** The client may have gone, so pops no longer wait. */
  #isHurried = false;
  /** No more requests come. */
  #hasEnded = false;
  #isDone = false;
  #isClosed = false;
  readonly #timers: SessionTimers;
  turn = 0;
  gathered = 0;

  constructor(options: SessionOptions, turns: SessionTurns, openConnection: OpenConnection, owner: SessionOwner) {
    this.identity = options.identity;
    this.#options = options;
    this.#client = options.client;
    this.#turns = turns;
    this.#owner = owner;
    this.#answers = new SessionAnswers(options.inOrder, (error) => this.#failed(error));
    this.#timers = new SessionTimers(options.now);
    this.pushes = new SessionPushes(this);
    this.#connection = openConnection(new SessionTransport(this, this.#answers, options.client), {
      maxInFlight: options.maxInFlight,
      unanswered: this,
    });
  }

  /** For the log. */
  get peer(): string {
    return `${this.identity.protocol} ${this.identity.address}`;
  }

  /** The number under which shards know it. */
  get id(): number {
    return this.#connection.id;
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#connection.isOpen;
  }

  /** Requests that are not answered. */
  get inFlight(): number {
    return this.#answers.unanswered;
  }

  /** What the client sends should not be carried out for now. */
  get isBlocked(): boolean {
    // What the front end answers itself has its place in the order as well.
    return this.#blocking > 0 || this.#pauses > 0 || this.#answers.length >= this.#options.maxInFlight;
  }

  /** A pop waits, perhaps for long, or a command of several requests goes on. */
  get isWaiting(): boolean {
    return this.#blocking > 0;
  }

  /** The client has ended its side, and was sent messages a moment ago: perhaps nobody listens. */
  get isDoubtful(): boolean {
    return this.#isHurried && this.#unheard.size > 0;
  }

  /** Nothing more of what the client sends should be carried out. */
  get isDone(): boolean {
    return this.#isDone;
  }

  // What a front end asks for.

  /**
   * Sends a request of docs/protocol.md that has one answer; `head` and `payload` are the caller's again at once. `onAnswer`
   * is called exactly once, never before this returns: with the shard's answer or, when the broker cannot take the request
   * or the client goes, with an ERROR of its own.
   */
  request(
    op: number,
    flags: number,
    head: Uint8Array,
    payload: Uint8Array | undefined,
    onAnswer: AnswerHandler,
  ): number {
    const refusal = this.#refusal(head, payload);
    const request = this.nextRequest();
    this.#answers.expect(request, onAnswer);
    if (refusal === undefined) {
      this.#turns.gather(this, op, flags, request, head, payload);
      return request;
    }
    this.#turns.refuse(this, request, refusal);
    return 0;
  }

  /** Sends one that has no answer; `head` is the caller's again at once. */
  tell(op: number, head: Uint8Array): void {
    if (this.isOpen) this.#turns.gather(this, op, 0, 0, head, undefined);
  }

  /** Publishes a message: to the queues that `routeKey` leads to, by default the queue `default`. */
  publish(topic: string, body: Uint8Array, options: PublishOptions, onAnswer: AnswerHandler): void {
    const { routeKey = "", delay = 0 } = options;
    this.request(Op.PUBLISH, 0, packHead([topic, routeKey, delay]), entryOf(body), onAnswer);
  }

  /**
   * Takes messages out of a queue. When the client goes before the answer comes, the wait ends at once, and messages that
   * were on their way are given back. A session whose answers are in order is blocked while it waits, unless it is apart.
   */
  pop(topic: string, queue: string, options: PopOptions, onAnswer: AnswerHandler): void {
    const { max = 1, wait = 0, isApart = false } = options;
    const isWaiting = wait > 0 && !this.#isHurried;
    const isBlocking = isWaiting && this.#answers.areInOrder && !isApart;
    const head = packHead([topic, queue, max, isWaiting ? wait : 0]);
    const answered = (frame: AnswerFrame): void => {
      // An error of the session's own has no number: the shard may answer all the same.
      if (frame.request !== 0) this.#pops.delete(request);
      if (isBlocking) this.#blocking--;
      if (this.#isClosed && frame.op === Answer.MESSAGES) return this.#giveBackLate(frame, onAnswer);
      if (frame.op === Answer.MESSAGES && this.#answers.areInOrder) this.#unheard.add(topic, queue, frame);
      onAnswer(frame);
    };
    const request = isApart
      ? this.#askOutOfOrder(Op.POP, head, undefined, answered)
      : this.request(Op.POP, 0, head, undefined, answered);
    if (isBlocking) this.#blocking++;
    if (request !== 0) this.#pops.set(request, { request, topic, queue, isWaiting });
  }

  /** Acknowledges a message of a queue: for the holder of that delivery; for whoever holds it where `delivery` is 0. */
  ack(topic: string, queue: string, lease: Lease, onAnswer: AnswerHandler): void {
    this.request(Op.ACK, 0, packHead([topic, queue]), selectionOf(lease), onAnswer);
  }

  /** Runs `work` in its place among the answers: for what a front end answers itself. */
  inOrder(work: () => void): void {
    this.#answers.run(() => this.nextRequest(), work);
  }

  /** Calls back at the end of this turn of the event loop, in time for requests of this turn; `work` must not throw. */
  atTurnEnd(work: () => void): void {
    this.#turns.beforeEnd(work);
  }

  /** Nothing behind this is carried out until the caller calls back: for a command of several requests, one by one. */
  hold(): () => void {
    let isHeld = true;
    this.#blocking++;
    return () => {
      if (isHeld) this.#blocking--;
      isHeld = false;
      // Whoever calls may still have its answer to write.
      queueMicrotask(() => this.#afterAnswers());
    };
  }

  /** As `hold`, for moments: what the client sends meanwhile stays in its socket. */
  pause(): () => void {
    let isPaused = true;
    this.#pauses++;
    return () => {
      if (isPaused) this.#pauses--;
      isPaused = false;
      queueMicrotask(() => this.#afterAnswers());
    };
  }

  /** Calls `onBeat` about every so many milliseconds, to a second, as long as the session is open. */
  heartbeat(every: number, onBeat: () => void): void {
    this.#timers.heartbeat(every, onBeat);
  }

  /** Closes the session when its client has said nothing for so many milliseconds, to a second. */
  expireAfter(silence: number): void {
    this.#timers.expireAfter(silence);
  }

  /**
   * The client has ended its side of the connection. It may be waiting for its answers, or have gone: pops get what there is
   * and wait no longer, lest a message goes to nobody.
   */
  hurry(): void {
    if (this.#isHurried || !this.isOpen) return;
    this.#isHurried = true;
    for (const { request, topic, queue, isWaiting } of this.#pops.values()) {
      if (!isWaiting) continue;
      // Shards answer a session in order: when this is answered and the pop is not, there was nothing for it.
      this.#askOutOfOrder(Op.ACK, packHead([topic, queue]), undefined, () =>
        this.#answers.takeOwn(request, NO_MESSAGES),
      );
    }
  }

  /** No more requests come, and nothing more is carried out: when all have been answered the session closes. */
  end(): void {
    this.#isDone = true;
    this.#concludeSoon();
  }

  /** Closes: what is not answered will not be. */
  close(): void {
    this.#turns.flush();
    this.#connection.conclude();
  }

  // Called by the carrier of the client.

  /** The client has said something. */
  heard(): void {
    this.#timers.heard();
    this.#connection.isActive = true;
  }

  /** Some of what was written has not left. If it is too much, the client is not read for now. */
  unsent(): void {
    this.#connection.flush();
  }

  /** Some of what the client was sent has left. */
  drained(): void {
    this.#connection.drained();
  }

  /**
   * The client has gone. What it asked for before is carried out, and whoever waits for an answer is told. `isBroken`: it has
   * refused what it was sent, so the messages that it popped a moment ago are given back.
   */
  closed(isBroken = false): void {
    if (this.#isClosed) return;
    this.#turns.flush();
    this.#isClosed = true;
    const unheard = this.#unheard.take();
    this.#connection.closed(isBroken ? unheard : []);
    this.pushes.clear();
    this.#answers.failAll();
    this.#owner.closed(this);
  }

  /** Once a second: whether it is time for a beat, or the client has been silent for too long. */
  sweep(now: number): void {
    this.#client.sweep(now);
    if (!this.#isHurried) this.#unheard.sweep();
    if (this.isOpen && !this.#timers.sweep(now)) this.destroy();
  }

  /** Closes at once. */
  destroy(): void {
    this.#client.destroy();
  }

  // TurnTaker: called by `SessionTurns`.

  send(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#connection.receive(bytes, view, start, end);
  }

  /** Some of these requests may have reached a shard; its answers are ignored. */
  failSent(view: DataView, start: number, end: number): void {
    for (let at = start; at < end; at += LENGTH_BYTES + view.getUint32(at)) {
      const text = "the broker failed on this request, which may have been done";
      this.#answers.takeOwn(view.getUint32(at + REQUEST), errorFrame("SHARD_RESTARTED", text, 0));
    }
    this.#afterAnswers();
  }

  answerError(request: number, { kind, text }: Refusal): void {
    this.#answers.takeOwn(request, errorFrame(kind, text, 0));
    this.#afterAnswers();
  }

  // FrameTaker: called by `SessionTransport`.

  /** Answers and pushes. */
  take(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; ) {
      const next = at + LENGTH_BYTES + view.getUint32(at);
      this.#dispatch(bytes, view, at, next);
      at = next;
    }
    this.#answers.lookAway();
    this.#client.flush?.();
    this.#afterAnswers();
  }

  // UnansweredPops: for when the client has gone.

  unansweredPops(): UnansweredPop[] {
    return [...this.#pops.values()];
  }

  nextRequest(): number {
    do this.#last = this.#last === LAST_REQUEST ? 1 : this.#last + 1;
    while (this.#isInUse(this.#last));
    return this.#last;
  }

  #isInUse(request: number): boolean {
    if (this.#answers.isExpected(request) || this.pushes.isConsumer(request)) return true;
    return this.#pops.size > 0 && this.#pops.has(request);
  }

  /** Why a request cannot be sent; undefined: it can. */
  #refusal(head: Uint8Array, payload: Uint8Array | undefined): Refusal | undefined {
    const { maxFrameBytes } = this.#options;
    if (!this.isOpen) return { kind: "SHUTTING_DOWN", text: SESSION_ENDED };
    if (MIN_LENGTH + head.length + (payload?.length ?? 0) > maxFrameBytes) {
      return { kind: "FRAME_TOO_LARGE", text: `a request has at most ${maxFrameBytes} bytes` };
    }
    if (this.#turns.gatheredBy(this) > maxFrameBytes) {
      return { kind: "BUSY", text: "too many requests came at the same moment" };
    }
    return undefined;
  }

  /** A request whose answer has no place among the others; 0: it was refused. */
  #askOutOfOrder(op: number, head: Uint8Array, payload: Uint8Array | undefined, onAnswer: AnswerHandler): number {
    const request = this.nextRequest();
    this.#answers.expectOutOfOrder(request, onAnswer);
    const refusal = this.#refusal(head, payload);
    if (refusal === undefined) {
      this.#turns.gather(this, op, 0, request, head, payload);
      return request;
    }
    this.#turns.refuse(this, request, refusal);
    return 0;
  }

  /** Requests have been answered: the session may close, and the client may go on. */
  #afterAnswers(): void {
    if (!this.isOpen) return;
    // Answers that wait for earlier ones count as unsent: some may have been handed over.
    if (this.#answers.areInOrder) this.#connection.drained();
    this.#endWhenAnswered();
    // Where a pop waits from now on, its client must be read again, or nobody sees it go.
    if (!this.isBlocked || this.isWaiting) this.#client.proceed();
  }

  #concludeSoon(): void {
    this.#hasEnded = true;
    this.#endWhenAnswered();
  }

  #endWhenAnswered(): void {
    const isBusy = this.#blocking > 0 || this.#pauses > 0 || this.#answers.length > 0;
    if (this.#hasEnded && !isBusy) this.#connection.conclude();
  }

  #dispatch(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const answers = this.#answers;
    const op = view.getUint8(start + OP);
    if (op === Answer.CONFIRM) return splitReceipts(view, start, end, answers);
    if (op === Answer.GOODBYE) return this.#concludeSoon();
    const request = view.getUint32(start + REQUEST);
    answers.look(bytes, view, start, end);
    const onPush = this.pushes.handlerOf(answers.frame);
    if (onPush !== undefined) answers.show(bytes, view, start, end, onPush);
    else if (op === Answer.ERROR && request === 0) this.#client.blame?.(refusalText(answers.frame));
    else if (!answers.take(request, bytes, view, start, end) && op === Answer.MESSAGES)
      this.#giveBack(bytes, view, start, end);
  }

  /** Messages of a pop that nobody waits for any more. */
  #giveBack(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    // The connection knows what its pops bring too late.
    if (!this.isOpen) return this.#connection.deliver(bytes, view, start, end);
    const { request, payloadStart } = this.#answers.frame;
    const pop = this.#pops.get(request);
    if (!this.#pops.delete(request) || pop === undefined) return;
    const leases = leasesOf(view, payloadStart, end);
    if (leases !== undefined) this.#askOutOfOrder(Op.RELEASE, packHead([pop.topic, pop.queue]), leases, () => {});
  }

  /** Messages that waited for earlier answers until the client was gone. */
  #giveBackLate({ bytes, view, headStart, payloadEnd }: AnswerFrame, onAnswer: AnswerHandler): void {
    this.#connection.deliver(bytes, view, headStart - HEAD, payloadEnd);
    this.#answers.fail(onAnswer);
  }

  /** A handler has thrown. */
  #failed(error: unknown): void {
    this.#options.log.error({ error, peer: this.peer }, "a front end failed on an answer");
    // A client that counts answers would take the next one for this.
    if (this.#answers.areInOrder) this.destroy();
  }
}
