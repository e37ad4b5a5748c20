/**
 * What the requests of each connection have cost of late. Where there is more to do than fits into a turn, those whose
 * requests are cheap are served at once; the others take turns in lanes.
 */

/** Milliseconds for a record of a kilobyte or two: batches of publishes cost half of it at the most. */
const CHEAP = 0.1;

/** Bytes that cost about as much as a record by itself. */
const RECORD_BYTES = 1_024;

/** The part of the last record in what a connection is said to cost. */
const WEIGHT = 1 / 4;

/** A record that took longer counts as one of so many milliseconds: it may be that the thread had to wait. */
const MOST = 1;

/** Averages, in milliseconds. */
interface Account {
  /** Of a record, for its bytes. */
  cost: number;
  /** Of a turn, whatever its bytes. */
  turn: number;
}

export class Accounts {
  readonly #accounts = new Map<number, Account>();

  /** Frames of so many bytes have taken so many milliseconds. */
  note(connection: number, bytes: number, milliseconds: number): void {
    const turn = Math.min(MOST, milliseconds);
    const cost = Math.min(MOST, milliseconds / (1 + bytes / RECORD_BYTES));
    const account = this.#accounts.get(connection);
    if (account === undefined) {
      this.#accounts.set(connection, { cost, turn });
      return;
    }
    account.cost += (cost - account.cost) * WEIGHT;
    account.turn += (turn - account.turn) * WEIGHT;
  }

  /** Its requests are known to cost little for their bytes. */
  isCheap(connection: number): boolean {
    const account = this.#accounts.get(connection);
    return account !== undefined && account.cost < CHEAP;
  }

  /** What a turn of it may be expected to take; a stranger's as much as is not cheap any more. */
  turn(connection: number): number {
    return this.#accounts.get(connection)?.turn ?? CHEAP;
  }

  /** A connection is gone. */
  drop(connection: number): void {
    this.#accounts.delete(connection);
  }
}
