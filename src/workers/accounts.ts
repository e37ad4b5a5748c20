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

export class Accounts {
  /** By connection: milliseconds of a record, on average. */
  readonly #costs = new Map<number, number>();

  /** A record of so many bytes has cost so many milliseconds. */
  note(connection: number, bytes: number, milliseconds: number): void {
    const cost = Math.min(MOST, milliseconds / (1 + bytes / RECORD_BYTES));
    const before = this.#costs.get(connection);
    if (before === undefined) this.#costs.set(connection, cost);
    else if (before >= CHEAP || cost >= CHEAP) this.#costs.set(connection, before + (cost - before) * WEIGHT);
  }

  /** Its requests are known to cost little. */
  isCheap(connection: number): boolean {
    return this.cost(connection) < CHEAP;
  }

  /** What a record of it may be expected to cost; of a stranger as much as is not cheap any more. */
  cost(connection: number): number {
    return this.#costs.get(connection) ?? CHEAP;
  }

  /** A connection is gone. */
  drop(connection: number): void {
    this.#costs.delete(connection);
  }
}
