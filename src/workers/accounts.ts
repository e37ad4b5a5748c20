/**
 * What the recent requests of each connection have cost. When there is more work than fits into a turn, connections with
 * cheap requests are served at once; the others take turns in lanes.
 */

/** Milliseconds for a record of a kilobyte or two. Batches of publishes cost at most half as much. */
const CHEAP = 0.1;

/** Bytes that cost about as much as the record itself. */
const RECORD_BYTES = 1_024;

/** The weight of the last record in a connection's average. */
const WEIGHT = 1 / 4;

/** A record counts for at most so many milliseconds: if it took longer, the thread may have been waiting. */
const MAX_COST = 1;

/** Averages, in milliseconds. */
interface Account {
  /** Of a record, relative to its bytes. */
  cost: number;
  /** Of a turn, regardless of its bytes. */
  turn: number;
}

export class Accounts {
  readonly #accounts = new Map<number, Account>();

  /** Frames of this many bytes took this many milliseconds. */
  note(connection: number, bytes: number, milliseconds: number): void {
    const turn = Math.min(MAX_COST, milliseconds);
    const cost = Math.min(MAX_COST, milliseconds / (1 + bytes / RECORD_BYTES));
    const account = this.#accounts.get(connection);
    if (account === undefined) {
      this.#accounts.set(connection, { cost, turn });
      return;
    }
    account.cost += (cost - account.cost) * WEIGHT;
    account.turn += (turn - account.turn) * WEIGHT;
  }

  /** Whether its requests are known to cost little for their bytes. */
  isCheap(connection: number): boolean {
    const account = this.#accounts.get(connection);
    return account !== undefined && account.cost < CHEAP;
  }

  /** How long its next turn should take, in milliseconds; for an unknown connection just too long to be cheap. */
  turn(connection: number): number {
    return this.#accounts.get(connection)?.turn ?? CHEAP;
  }

  /** A connection is gone. */
  drop(connection: number): void {
    this.#accounts.delete(connection);
  }
}
