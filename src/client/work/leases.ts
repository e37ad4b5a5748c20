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
import type { DeliveredRun } from "../consume/run.js";
import type { SelectionList } from "../consume/selection-list.js";
import { touchAll } from "../consume/settler.js";
import type { Tenure } from "../consume/tenure.js";
import { LeaseKeeper, type TellLoss } from "./lease-keeper.js";
import { LeaseTable, NO_LINE, NO_TICKET } from "./lease-table.js";

/** A worker, as the lease thread knows it. */
export interface ThreadUser {
  readonly memory: ArrayBufferLike;
  /** Milliseconds, or Infinity. */
  readonly timeout: number;
  readonly lost: TellLoss;
  /** The thread has ended without being told to, or the broker has no connection for it. */
  threadFailed(): void;
}

/** What a worker tells the lease thread. */
export interface ThreadHandle {
  /** Resolves when the thread runs, or has failed. */
  readonly ready: Promise<void>;
  addLine(line: number, target: BrokerTarget, topic: string, queue: string | undefined, ttr: number): void;
  removeLine(line: number): void;
  /** Something is in hand. */
  watch(): void;
  end(): Promise<void>;
}

/** Has the lease thread keep the leases of a worker. Undefined: there is none. */
export type LeaseThreads = (user: ThreadUser) => ThreadHandle | undefined;

/** A connection that messages of the worker's queue come on, as long as it lasts. */
export interface Line {
  readonly number: number;
  readonly tenure: Tenure;
  readonly connection: Connection;
  readonly ttr: number;
  /** The broker's time at 0 of the connection's clock. */
  readonly offset: number;
}

export interface LeasesOptions {
  readonly topic: string;
  readonly queue: string | undefined;
  readonly rows: number;
  /** The longest that a handler may take. Milliseconds, or Infinity. */
  readonly timeout: number;
  /** Undefined: leases are kept by the clock of the connection. */
  readonly threads: LeaseThreads | undefined;
  /** The message of a row is lost, or its handler has had its time. */
  readonly lost: TellLoss;
  /** A connection has ended, and why. */
  readonly connectionEnded: (tenure: Tenure, error: RingmqError) => void;
}

/** A lease of which nothing is known: it is not the client's to keep. */
const NO_LEASE = Number.POSITIVE_INFINITY;

export class Leases {
  readonly #options: LeasesOptions;
  readonly #table: LeaseTable;
  readonly #lines = new Map<Tenure, Line>();
  #line: Line | undefined;
  #lastNumber = NO_LINE;
  #thread: ThreadHandle | undefined;
  /** Keeps leases in this thread, when there is no other. */
  #keeper: LeaseKeeper | undefined;
  #timer: Timer | undefined;
  /** When the keeper looks next. */
  #next = Number.POSITIVE_INFINITY;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#table = LeaseTable.ofRows(options.rows);
    this.#startKeeping(options.threads);
  }

  /** Resolves when messages may be handed out: who has one may block this thread. */
  get ready(): Promise<void> {
    return this.#thread?.ready ?? Promise.resolve();
  }

  /** Writes down a message before its handler has it. Returns the ticket of its row; NO_TICKET: there is nothing to keep. */
  hold(row: number, message: Message): number {
    const { timeout } = this.#options;
    const { delivered } = message;
    let line = this.#line;
    if (line?.tenure !== delivered.settler.tenure) line = this.#lineOf(delivered);
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

  /** Nothing is kept any more. */
  async end(): Promise<void> {
    this.#timer?.cancel();
    this.#keeper = undefined;
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.end();
  }

  #lineOf({ settler: { tenure, connection }, terms }: DeliveredRun): Line {
    let line = this.#lines.get(tenure);
    if (line === undefined) {
      const clock = terms?.leases;
      const number = ++this.#lastNumber;
      line = { number, tenure, connection, ttr: clock?.ttr ?? NO_LEASE, offset: clock?.at(0) ?? 0 };
      this.#begin(line);
    }
    this.#line = line;
    return line;
  }

  #begin(line: Line): void {
    const { number, tenure } = line;
    this.#lines.set(tenure, line);
    this.#addLine(line);
    unobserved(
      tenure.ended.then((error) => {
        this.#lines.delete(tenure);
        if (this.#line === line) this.#line = undefined;
        this.#thread?.removeLine(number);
        this.#keeper?.lines.delete(number);
        this.#options.connectionEnded(tenure, error);
      }),
    );
  }

  #startKeeping(threads: LeaseThreads | undefined): void {
    const { timeout, lost } = this.#options;
    const threadFailed = (): void => this.#threadFailed();
    this.#thread = threads?.({ memory: this.#table.memory, timeout, lost, threadFailed });
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
    this.#startKeeping(undefined);
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
