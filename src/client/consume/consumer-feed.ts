/**
 * The messages of a consumer on their way from the connection to the program: what waits is kept under its leases, and the
 * broker is told how far the program has come.
 */
import { AHEAD, Op } from "../../protocol/op.js";
import { SELECTION_BYTES, writeSelection } from "../../protocol/selection.js";
import type { RingmqError } from "../base/error.js";
import type { Timer } from "../base/timer.js";
import type { Connection } from "../connection/connection.js";
import { requestHead } from "../connection/request-head.js";
import { compactCopy } from "../messages/compact-copy.js";
import { FeedState } from "../messages/feed-state.js";
import { LeaseClock } from "./lease-clock.js";
import type { Message } from "./message.js";
import { MessageBuffer } from "./message-buffer.js";
import { type PrefetchWindow, SPAN } from "./prefetch-window.js";
import type { Progress, Reporter } from "./progress.js";
import type { DeliveredRun, DeliveryTerms } from "./run.js";
import { type RunReader, readDeliveredRuns } from "./run-reader.js";
import type { Settler } from "./settler.js";

/**
 * The first messages of a consumer are told to the broker before the program has them, one by one, so that one which kills
 * its process is known for it. Telling takes longer than a quick program does over a message: of the later ones among the
 * first, each is told that comes after a while in which a program does something, and a few of those that do not. Then it is
 * told at the end of the turn, which costs nothing, and within a long turn after as many as the first were; or after an
 * eighth of all that were told, if that is more, up to MAX_UNTOLD. So a message that kills its process is among the very
 * first ones of another consumer after one such kill, or two, or three.
 */
const VERY_FIRST = 64;
const CAREFUL = 1024;
const FEW = 32;
const WHILE = 0.05;
const TOLD_PER_UNTOLD = 8;
const MAX_UNTOLD = CAREFUL * TOLD_PER_UNTOLD;

/** How many messages may be handed out untold, after so many that were told. */
const bearableAfter = (told: number): number => {
  if (told < VERY_FIRST) return 0;
  if (told < CAREFUL) return FEW;
  return Math.min(Math.max(CAREFUL, told / TOLD_PER_UNTOLD), MAX_UNTOLD);
};

/** A lease with less than this share of the TTR left is renewed, so that whoever is handed a message has most of it. */
const FRESH = 3 / 4;

/** What is left of a lease that is not worth its message: this share of the TTR, and at most so many milliseconds. */
const STALE = 1 / 10;
const MAX_STALE = 100;

/** How often to look after what waits: so many times in a TTR, and in these limits. Milliseconds. */
const LOOKS = 8;
const MIN_WATCH = 5;
const MAX_WATCH = 10_000;

/**
 * The clock is not read for each message of a program that takes less than this over one, but for one in so many: to read it
 * can take as long as the rest. A program that is as quick, and then blocks its event loop for longer than a TTR, may be
 * handed so many messages whose leases have ended.
 */
const QUICK = 0.1;
const UNSEEN_BY_CLOCK = 32;

/** What the broker says of a consumer that it begins: its time, the TTR, whether the topic acks by itself. */
export interface ConsumerTerms extends Pick<DeliveryTerms, "autoAck"> {
  readonly now: number;
  readonly ttr: number;
}

/** What it needs of its connection. */
type Line = Pick<Connection, "notify" | "flush" | "clock">;

export class ConsumerFeed implements Reporter {
  readonly #connection: Line;
  readonly #settler: Settler;
  readonly #progress: Progress;
  #window: PrefetchWindow;
  readonly #buffer = new MessageBuffer();
  readonly #state = new FeedState();
  readonly #terms: { autoAck: boolean; leases: LeaseClock | undefined } = { autoAck: false, leases: undefined };
  #timer: Timer | undefined;
  /** The heads of SEEN and CREDIT begin like this. */
  #names: readonly unknown[] = [];
  #seenHead: Uint8Array = new Uint8Array();
  readonly #seen = new Uint8Array(SELECTION_BYTES);
  readonly #seenView = new DataView(this.#seen.buffer);
  /** Of the last message that the program was handed and the broker was not told of: its run, and its index there. */
  #lastRun: DeliveredRun | undefined;
  #lastIndex = 0;
  /** It is to report by the end of this turn. */
  #isOpen = false;
  /** Messages handed out that the window was not told of. */
  #handed = 0;
  /** Messages to be handed out before the clock is read again, and when it was read. */
  #untilLook = 0;
  #looked = 0;
  /** When the program was handed something, give or take a few messages. */
  #handedAt = 0;
  /** Messages that the broker was told of. */
  #told = 0;
  /** When one of the first messages was told before the program had it. */
  #toldAt = 0;
  /** Messages handed out since the broker was told, and how many they may be. */
  #untold = 0;
  #bearable = 0;
  /** Whoever is handed a batch holds all that came. */
  #isInBatches = false;
  /** Nothing is handed out any more. */
  #isLeft = false;
  #lapsed = 0;
  /** The program has asked for its end: that has no other reason then. */
  isDraining = false;

  constructor(connection: Line, settler: Settler, progress: Progress, window: PrefetchWindow) {
    this.#connection = connection;
    this.#settler = settler;
    this.#progress = progress;
    this.#window = window;
  }

  /** Resolves when nothing more will come. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#state.closed;
  }

  /** Messages in it. */
  get size(): number {
    return this.#buffer.size;
  }

  /** Messages that it has given up because their leases had ended, or were about to. */
  get lapsed(): number {
    return this.#lapsed;
  }

  /** CONSUME was sent at `asked`, with this number. */
  named(names: readonly unknown[]): void {
    this.#names = names;
    this.#seenHead = requestHead(names);
  }

  /** CONSUME, which was sent at that time, has been answered. */
  begun({ now, ttr, autoAck }: ConsumerTerms, asked: number): void {
    const answered = this.#connection.clock.now();
    this.#terms.autoAck = autoAck;
    this.#terms.leases = new LeaseClock(now, ttr, asked, answered);
    this.#handedAt = answered;
    this.#watch();
  }

  messages(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    // They were on their way when it was left.
    if (this.#isLeft) return;
    const copy = compactCopy(bytes, start, end, this.#buffer.runs);
    const readers =
      copy === undefined
        ? readDeliveredRuns(bytes, view, start, end, this.#settler, this.#terms)
        : readDeliveredRuns(copy, new DataView(copy.buffer), 0, copy.length, this.#settler, this.#terms);
    const before = this.#buffer.size;
    for (const reader of readers) this.#buffer.push(reader);
    const now = this.#connection.clock.now();
    this.#tellWindow();
    this.#window.came(now, before === 0, this.#buffer.size - before, end - start);
    this.#dropExcess(now);
    this.#watch();
    this.#state.wakeUp();
  }

  /** Nothing more will come, and what was delivered is not this program's any longer. */
  ended(error: RingmqError | undefined): void {
    this.#drop();
    this.end(error);
  }

  get isOver(): boolean {
    return this.#state.isOver;
  }

  /** What was delivered is not this program's any longer. More comes when CONSUME is answered that is sent next. */
  restart(window: PrefetchWindow): void {
    this.#buffer.takeAll();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#window = window;
    this.#terms.leases = undefined;
    this.#lastRun = undefined;
    this.#isOpen = false;
    this.#handed = 0;
    this.#told = 0;
    this.#untold = 0;
    this.#bearable = 0;
  }

  /** Nothing more will come. What is buffered can still be read. */
  end(error: RingmqError | undefined): void {
    this.#state.end(this.isDraining ? undefined : error);
  }

  /** Nothing more is handed out: neither what is buffered, nor what still comes. The broker takes that back. */
  leave(error: RingmqError | undefined): void {
    this.#drop();
    this.end(error);
  }

  /** Everything has been read. */
  finish(): void {
    this.#timer?.cancel();
  }

  /** As `leave`, for one that was stopped before: the broker is told what to take back. */
  giveBack(): void {
    this.#settler.release(this.#buffer.selectAll());
    this.leave(undefined);
  }

  /** The next message, or undefined when none is buffered. */
  shift(): Message | undefined {
    if (this.#untilLook-- <= 0) this.#look();
    const reader = this.#buffer.first;
    if (reader === undefined) return undefined;
    const { run, index } = reader;
    const message = this.#buffer.shift(reader);
    this.#hand(run, index, 1);
    return message;
  }

  /** Removes and returns everything that is buffered. */
  takeAll(): RunReader[] {
    this.#isInBatches = true;
    this.#look();
    const { size } = this.#buffer;
    const readers = this.#buffer.takeAll();
    const last = readers.at(-1);
    if (last !== undefined) this.#hand(last.run, last.index + last.left - 1, size);
    return readers;
  }

  /** Resolves with true when there are messages, with false at the end. Rejects once with the reason of the end. */
  async available(): Promise<boolean> {
    while (this.#buffer.size === 0) {
      this.#empty();
      if (!(await this.#state.wait())) return false;
    }
    return true;
  }

  report(): void {
    this.#isOpen = false;
    this.#untilLook = 0;
    this.#tellWindow();
    if (this.#isLeft) return;
    if (this.#lastRun !== undefined) this.#tell(0);
    const change = this.#window.takeChange();
    if (change !== 0 && !this.isDraining) this.#connection.notify(Op.CREDIT, requestHead([...this.#names, change]));
  }

  /** The program is handed messages, the last of which is this one. */
  #hand(run: DeliveredRun, index: number, count: number): void {
    this.#lastRun = run;
    this.#lastIndex = index;
    this.#handed += count;
    this.#open();
    this.#untold += count;
    if (
      this.#untold <= this.#bearable &&
      (this.#told >= CAREFUL || this.#connection.clock.now() - this.#toldAt < WHILE)
    )
      return;
    this.#connection.flush();
    this.#toldAt = this.#connection.clock.now();
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#progress.add(this);
  }

  /** Writes SEEN. */
  #tell(flags: number): void {
    const run = this.#lastRun;
    this.#lastRun = undefined;
    this.#told += this.#untold;
    this.#untold = 0;
    this.#bearable = bearableAfter(this.#told);
    if (run === undefined) {
      this.#connection.notify(Op.SEEN, this.#seenHead, undefined, flags);
      return;
    }
    const { idHigh, idLow, delivery } = run.fields;
    writeSelection(this.#seenView, 0, idHigh, idLow + this.#lastIndex, 1, delivery);
    this.#connection.notify(Op.SEEN, this.#seenHead, this.#seen, flags);
  }

  #tellWindow(): void {
    if (this.#handed === 0) return;
    this.#window.take(this.#handed);
    this.#handed = 0;
  }

  /** The program waits for messages. */
  #empty(): void {
    this.#tellWindow();
    this.#window.emptied(this.#connection.clock.now(), this.#isInBatches);
    if (this.#window.isChanged) this.#open();
  }

  #drop(): void {
    this.#isLeft = true;
    this.#timer?.cancel();
    this.#buffer.takeAll();
  }

  /** The program is about to be handed a message. */
  #look(): void {
    const now = this.#connection.clock.now();
    this.#untilLook = now - this.#looked < QUICK ? UNSEEN_BY_CLOCK : 0;
    this.#looked = now;
    this.#handedAt = now;
    this.#keep(now);
  }

  /** Looks after what waits, now and then as long as something does. */
  #watch(): void {
    if (this.#timer !== undefined || this.#terms.leases === undefined || this.#buffer.size === 0 || this.#isLeft)
      return;
    const interval = Math.max(MIN_WATCH, Math.min(this.#terms.leases.ttr / LOOKS, MAX_WATCH));
    this.#timer = this.#connection.clock.startTimer(this.#window.isAuto ? Math.min(interval, SPAN) : interval, () => {
      this.#timer = undefined;
      this.#keep(this.#connection.clock.now());
      this.#watch();
    });
  }

  /** Gives back what would wait for too long, and sees to the leases of the rest. */
  #keep(now: number): void {
    this.#tellWindow();
    const excess = this.#window.excess(now, this.#buffer.size);
    if (excess > 0) {
      // CREDIT goes first: what is given back must not come again.
      this.#open();
      this.#settler.release(this.#buffer.selectLast(excess));
    }
    const clock = this.#terms.leases;
    if (clock === undefined || this.#buffer.deadline - clock.at(now) >= clock.ttr * FRESH) return;
    this.#dropExpired(now);
    // A program that is not done with one message within a TTR does not keep others from those behind it.
    if (this.#buffer.size === 0 || now - this.#handedAt >= clock.ttr) return;
    this.#tell(AHEAD);
    this.#buffer.renew(clock.at(now) + clock.ttr);
    // The program may be about to block the event loop.
    this.#connection.flush();
  }

  /** The broker counts no more than a prefetch as this consumer's: the leases of others have ended. */
  #dropExcess(now: number): void {
    const { max } = this.#window;
    if (this.#buffer.size <= max) return;
    this.#dropExpired(now);
    const excess = this.#buffer.size - max;
    if (excess <= 0) return;
    this.#buffer.selectFirst(excess);
    this.#lapsed += excess;
  }

  #dropExpired(now: number): void {
    if (this.#terms.leases === undefined) return;
    const stale = Math.min(this.#terms.leases.ttr * STALE, MAX_STALE);
    const expired = this.#buffer.selectExpired(this.#terms.leases.at(now) + stale);
    if (expired.messages === 0) return;
    this.#lapsed += expired.messages;
    this.#settler.release(expired);
  }
}
