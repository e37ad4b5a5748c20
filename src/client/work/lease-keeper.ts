/**
 * Keeps the leases of a worker: renews those that get old, and tells which ones are lost and which handlers have had their
 * time. It runs in the lease thread, or by a timer in the worker's own.
 */
import { formatId } from "../../protocol/id.js";
import { RingmqError, type RingmqErrorCode } from "../base/error.js";
import { SelectionList } from "../consume/selection-list.js";
import type { Settlement } from "../consume/settle-result.js";
import { type LeaseTable, NO_LINE, NO_TICKET } from "./lease-table.js";

/** A lease with less than this share of the TTR left is renewed. */
const FRESH = 2 / 3;

/** How often a renewal that was not answered, or failed, is looked after: so many times in a TTR. */
const RETRIES = 3;

/**
 * A process whose event loop has not turned for so many TTRs is taken for one that hangs, and its leases are left to end:
 * somebody else must get its messages some day. Whoever says how long a handler may take knows better.
 */
const HANGING = 12;

/** The queue of messages, on the connection that they came on. */
export interface LeaseLine {
  /** Milliseconds. */
  readonly ttr: number;
  /** Renews leases, for a TTR from now on. */
  touch(selections: SelectionList): Promise<Settlement>;
}

/** What became of the message of a row. `code` is that of the error which its handler's signal gets. */
export type TellLoss = (row: number, ticket: number, code: RingmqErrorCode) => void;

const State = { HELD: 0, RENEWED: 1, GIVEN_UP: 2 } as const;

/** Errors after which there is nothing to renew. */
const FINAL: ReadonlySet<unknown> = new Set(["NO_TOPIC", "NO_QUEUE", "TOPIC_DELETED"]);

/** Leases that are renewed together. */
class Renewal {
  readonly selections = new SelectionList();
  /** Row, ticket. */
  readonly rows: [number, number][] = [];
  readonly ids = new Set<string>();
}

export class LeaseKeeper {
  readonly lines = new Map<number, LeaseLine>();
  readonly #table: LeaseTable;
  /** The longest that a handler may take. Milliseconds, or Infinity. */
  readonly #timeout: number;
  readonly #tell: TellLoss;
  /** Of each row: the message that it was seen with last, when its lease ends, and what was done about it. */
  readonly #tickets: Int32Array;
  readonly #deadlines: Float64Array;
  readonly #states: Uint8Array;
  /** Of the look that is under way. */
  #next = 0;
  #renewals = new Map<number, Renewal>();

  constructor(table: LeaseTable, timeout: number, tell: TellLoss) {
    this.#table = table;
    this.#timeout = timeout;
    this.#tell = tell;
    this.#tickets = new Int32Array(table.rows);
    this.#deadlines = new Float64Array(table.rows);
    this.#states = new Uint8Array(table.rows);
  }

  /**
   * When a lease that ends then is renewed first, or its handler has had its time, whichever comes first.
   */
  dueOf(ttr: number, deadline: number, start: number): number {
    return Math.min(deadline - ttr * FRESH, start + this.#timeout);
  }

  /**
   * Looks at all rows. `blocked`: for how long the worker's event loop has not turned. Returns when to look again; Infinity:
   * nothing is in hand.
   */
  look(now: number, blocked: number): number {
    this.#next = Number.POSITIVE_INFINITY;
    for (let row = 0; row < this.#table.rows; row++) {
      const ticket = this.#table.ticket(row);
      if (ticket !== NO_TICKET) this.#judge(row, ticket, now, blocked);
    }
    const renewals = this.#renewals;
    if (renewals.size > 0) {
      this.#renewals = new Map();
      for (const [number, renewal] of renewals) this.#renew(number, renewal, now);
    }
    return this.#next;
  }

  #judge(row: number, ticket: number, now: number, blocked: number): void {
    const table = this.#table;
    if (this.#tickets[row] !== ticket) {
      this.#tickets[row] = ticket;
      this.#deadlines[row] = table.deadline(row);
      this.#states[row] = State.HELD;
    }
    if (this.#states[row] === State.GIVEN_UP) return;
    if (this.#timeout !== Number.POSITIVE_INFINITY) {
      const due = table.start(row) + this.#timeout;
      if (now >= due) return this.#giveUp(row, ticket, "HANDLER_TIMEOUT");
      this.#lookAt(due);
    }
    const number = table.line(row);
    const line = this.lines.get(number);
    if (line === undefined) {
      // The line is on its way to this thread.
      if (number !== NO_LINE) this.#lookAt(now);
      return;
    }
    const { ttr } = line;
    const deadline = this.#deadlines[row] ?? 0;
    const isHanging = blocked > ttr * HANGING && this.#timeout === Number.POSITIVE_INFINITY;
    if (deadline <= now || isHanging) return this.#giveUp(row, ticket, "LEASE_LOST");
    this.#lookAt(deadline);
    const due = deadline - ttr * FRESH;
    if (due > now) return this.#lookAt(due);
    this.#lookAt(now + ttr / RETRIES);
    if (this.#states[row] === State.HELD) this.#select(row, ticket, number);
  }

  #lookAt(time: number): void {
    if (time < this.#next) this.#next = time;
  }

  #giveUp(row: number, ticket: number, code: RingmqErrorCode): void {
    this.#states[row] = State.GIVEN_UP;
    this.#tell(row, ticket, code);
  }

  #select(row: number, ticket: number, line: number): void {
    const table = this.#table;
    const [high, low] = [table.idHigh(row), table.idLow(row)];
    const id = formatId(high, low);
    let renewal = this.#renewals.get(line);
    if (renewal === undefined) {
      renewal = new Renewal();
      this.#renewals.set(line, renewal);
    }
    // An answer names messages, not deliveries: of a message that has come twice, each is renewed in a request of its own.
    if (renewal.ids.has(id)) return;
    renewal.ids.add(id);
    renewal.selections.add(high, low, table.delivery(row));
    renewal.rows.push([row, ticket]);
    this.#states[row] = State.RENEWED;
  }

  #renew(number: number, renewal: Renewal, now: number): void {
    const line = this.lines.get(number);
    line?.touch(renewal.selections).then(
      (settlement) => this.#renewed(renewal, settlement, now + line.ttr),
      (error: unknown) => this.#refused(renewal, error),
    );
  }

  #renewed({ rows, ids }: Renewal, { faults }: Settlement, deadline: number): void {
    const codes = new Map(faults.map(({ id, code }) => [id, code]));
    let i = 0;
    for (const id of ids) {
      const [row = 0, ticket = NO_TICKET] = rows[i++] ?? [];
      if (!this.#waits(row, ticket)) continue;
      const code = codes.get(id);
      if (code !== undefined) {
        this.#giveUp(row, ticket, code);
        continue;
      }
      this.#deadlines[row] = deadline;
      this.#states[row] = State.HELD;
    }
  }

  #refused({ rows }: Renewal, error: unknown): void {
    const code = error instanceof RingmqError && FINAL.has(error.code) ? error.code : undefined;
    for (const [row, ticket] of rows) {
      if (!this.#waits(row, ticket)) continue;
      if (code === undefined) this.#states[row] = State.HELD;
      else this.#giveUp(row, ticket, code);
    }
  }

  /** Its renewal has not been answered yet, and it has not been given up meanwhile. */
  #waits(row: number, ticket: number): boolean {
    return this.#tickets[row] === ticket && this.#states[row] === State.RENEWED;
  }
}
