/**
 * What the consumers of a connection report: how far their programs have come, and what they have room for. It travels
 * with the acks of the turn.
 */
import type { Batcher } from "../connection/batcher.js";
import type { Connection } from "../connection/connection.js";

export interface Reporter {
  /** Writes what there is to report. */
  report(): void;
}

export class Progress implements Batcher {
  readonly #connection: Connection;
  readonly #open = new Set<Reporter>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** It has something to report by the end of this turn. */
  add(reporter: Reporter): void {
    this.#open.add(reporter);
    this.#connection.schedule();
  }

  seal(): void {
    if (this.#open.size === 0) return;
    for (const reporter of this.#open) reporter.report();
    this.#open.clear();
  }

  lost(): void {
    this.#open.clear();
  }

  fail(): void {
    this.#open.clear();
  }
}
