/**
 * The leases of a worker: what is in hand is written down before a handler has it, and kept by the lease thread, or by a timer
 * where there is none.
 */
import { unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import type { Timer } from "../base/timer.js";
import type { Connection } from "../connection/connection.js";
import type { BrokerTarget } from "../connection/target.js";
import type { Message } from "../consume/message.js";
import type { SelectionList } from "../consume/selection-list.js";
import { type Settler, touchAll } from "../consume/settler.js";
import { LeaseKeeper, type TellLoss } from "./lease-keeper.js";
import { LeaseTable, NO_LINE, NO_TICKET } from "./lease-table.js";

/** A worker, as the lease thread knows it. */
export interface ThreadUser {
  readonly memory: ArrayBufferLike;
  /** Milliseconds, or Infinity. */
  readonly timeout: number;
  readonly lost: TellLoss;
  /** The thread has ended without being told to. */
  threadFailed(): void;
}

/** What a worker tells the lease thread. */
export interface ThreadHandle {
  addLine(line: number, target: BrokerTarget, topic: string, queue: string | undefined, ttr: number): void;
  removeLine(line: number): void;
  /** Something is in hand. */
  watch(): void;
  end(): Promise<void>;
}

/** Has the lease thread keep the leases of a worker. Undefined: there is none. */
export type LeaseThreads = (user: ThreadUser) => ThreadHandle | undefined;

/** A connection that messages of the worker's queue come on. */
export interface Line {
  readonly number: number;
  readonly settler: Settler;
  readonly connection: Connection;
  readonly ttr: number;
  /** The broker's time at 0 of the connection's clock. */
  readonly offset: number;
  isOver: boolean;
}

export interface LeasesOptions {
  readonly topic: string;
  readonly queue: string | undefined;
  readonly rows: number;
  /** The longest that a handler may take. Milliseconds, or Infinity. */
  readonly timeout: number;
  readonly threads: LeaseThreads | undefined;
  /** The message of a row is lost, or its handler has had its time. */
  readonly lost: TellLoss;
  /** A connection has ended: with why, or with undefined when the program closed it. */
  readonly lineEnded: (line: Line, reason: RingmqError | undefined) => void;
}

/** A lease of which nothing is known: it is not the client's to keep. */
const NO_LEASE = Number.POSITIVE_INFINITY;

export class Leases {
  readonly #options: LeasesOptions;
  readonly #table: LeaseTable;
  readonly #lines = new Map<Settler, Line>();
  #line: Line | undefined;
  #lastNumber = NO_LINE;
  #thread: ThreadHandle | undefined;
  /** Keeps leases in this thread, when there is no other. */
  #keeper: LeaseKeeper | undefined;
  #timer: Timer | undefined;
  /** When the keeper looks next. */
  #next = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#table = LeaseTable.ofRows(options.rows);
  }

  /** Writes down a message before its handler has it. Returns the ticket of its row; NO_TICKET: there is nothing to keep. */
  hold(row: number, message: Message): number {
    const { timeout } = this.#options;
    const { delivered } = message;
    let line = this.#line;
    if (line?.settler !== delivered.settler) line = this.lineOf(message);
    const isKept = !delivered.isAcked && line.ttr !== NO_LEASE;
    const isTimed = timeout !== Number.POSITIVE_INFINITY;
    if (!isKept && !isTimed) return NO_TICKET;
    const { idHigh, idLow, delivery, time } = delivered.fields;
    const deadline = isKept ? time - line.offset : NO_LEASE;
    const start = isTimed ? line.connection.clock.now() : 0;
    const number = isKept ? line.number : NO_LINE;
    const ticket = this.#table.hold(row, number, idHigh, idLow + message.place, delivery, deadline, start);
    if (this.#thread !== undefined) {
      if (!this.#table.isWatched) this.#watch(this.#thread);
    } else if (this.#keeper !== undefined) {
      const due = this.#keeper.dueOf(line.ttr, deadline, start);
      if (due < this.#next) this.#lookAt(due, line.connection);
    }
    return ticket;
  }

  /** The row's handler has ended. */
  free(row: number): void {
    this.#table.free(row);
  }

  /** The connection that a message came on. */
  lineOf({ delivered: { settler, terms } }: Message): Line {
    let line = this.#lines.get(settler);
    if (line === undefined) {
      const { connection } = settler;
      const clock = terms?.leases;
      const number = ++this.#lastNumber;
      line = { number, settler, connection, ttr: clock?.ttr ?? NO_LEASE, offset: clock?.at(0) ?? 0, isOver: false };
      this.#begin(line);
    }
    this.#line = line;
    return line;
  }

  /** Nothing is kept any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#keeper = undefined;
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.end();
  }

  #begin(line: Line): void {
    const { settler, connection } = line;
    this.#lines.set(settler, line);
    this.#startKeeping(connection.target !== undefined);
    this.#addLine(line);
    unobserved(
      connection.closed.then((reason) => {
        line.isOver = true;
        this.#lines.delete(settler);
        if (this.#line === line) this.#line = undefined;
        this.#thread?.removeLine(line.number);
        this.#keeper?.lines.delete(line.number);
        this.#options.lineEnded(line, reason);
      }),
    );
  }

  #startKeeping(mayBeThread: boolean): void {
    if (this.#isOver || this.#thread !== undefined || this.#keeper !== undefined) return;
    const { timeout, threads, lost } = this.#options;
    if (mayBeThread) {
      const threadFailed = (): void => this.#threadFailed();
      this.#thread = threads?.({ memory: this.#table.memory, timeout, lost, threadFailed });
    }
    if (this.#thread === undefined) this.#keeper = new LeaseKeeper(this.#table, timeout, lost);
  }

  #addLine({ number, connection, ttr }: Line): void {
    const { topic, queue } = this.#options;
    const { target } = connection;
    if (this.#thread !== undefined && target !== undefined) this.#thread.addLine(number, target, topic, queue, ttr);
    const touch = (selections: SelectionList) => touchAll(connection, topic, queue, ttr, selections);
    this.#keeper?.lines.set(number, { ttr, touch });
  }

  #threadFailed(): void {
    this.#thread = undefined;
    this.#startKeeping(false);
    for (const line of this.#lines.values()) {
      this.#addLine(line);
      this.#lookAt(line.connection.clock.now(), line.connection);
    }
  }

  #watch(thread: ThreadHandle): void {
    this.#table.isWatched = true;
    thread.watch();
  }

  #lookAt(time: number, { clock }: Pick<Connection, "clock">): void {
    this.#timer?.cancel();
    this.#next = time;
    if (time === Number.POSITIVE_INFINITY) return;
    this.#timer = clock.startTimer(Math.max(0, time - clock.now()), () => {
      this.#next = Number.POSITIVE_INFINITY;
      const next = this.#keeper?.look(clock.now(), 0);
      if (next !== undefined && next < this.#next) this.#lookAt(next, { clock });
    });
  }
}
