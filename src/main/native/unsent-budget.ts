/**
 * What all connections together leave unread: bytes that were written to them and have not left the process. Past half of
 * the budget connections are held early, so that what is for them waits in shards, where it has bounds of its own; past
 * all of it whoever has the most is cut off, and whoever reads notices nothing.
 */
import type { Log } from "../log.js";

/** Held from here on while the budget is short: as little as a connection can be held at and released again. */
export const MIN_HELD_BYTES = 64 * 1024;

/** A flood of cuts is told by its first and its number, in milliseconds. */
const TELL_EVERY = 1_000;

/** A connection as the budget sees it. */
export interface Debtor {
  readonly peer: string;
  /** Bytes that wait to be sent, now. */
  bufferedBytes(): number;
  /** Closes at once: nothing of it waits any more. */
  destroy(): void;
}

export class UnsentBudget {
  /** Those that have something unsent, as when they were last looked at. */
  readonly #unsent = new Map<Debtor, number>();
  #total = 0;
  #cut = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly maxBytes: number,
    readonly log: Log,
    /** Milliseconds of a clock that does not step. */
    readonly now: () => number = () => performance.now(),
  ) {}

  get total(): number {
    return this.#total;
  }

  /** Connections are to be held early. */
  get isShort(): boolean {
    return this.#total > this.maxBytes / 2;
  }

  /** A connection has `bytes` unsent now; when that is too much for all together, somebody is cut off. */
  account(debtor: Debtor, bytes: number): void {
    if (bytes === 0 && this.#unsent.size === 0) return;
    this.#note(debtor, bytes);
    if (this.#total > this.maxBytes) this.#relieve();
  }

  /** The connection is gone. */
  forget(debtor: Debtor): void {
    this.#note(debtor, 0);
  }

  /** Looks at everybody again: sockets send without a word. */
  refresh(): void {
    for (const debtor of [...this.#unsent.keys()]) this.#note(debtor, debtor.bufferedBytes());
  }

  #note(debtor: Debtor, bytes: number): void {
    this.#total += bytes - (this.#unsent.get(debtor) ?? 0);
    if (bytes > 0) this.#unsent.set(debtor, bytes);
    else this.#unsent.delete(debtor);
  }

  #relieve(): void {
    this.refresh();
    if (this.#total <= this.maxBytes) return;
    const byDebt = [...this.#unsent].sort(([, a], [, b]) => b - a);
    for (const [debtor, bytes] of byDebt) {
      if (this.#total <= this.maxBytes) return;
      this.forget(debtor);
      this.#cut++;
      this.#tell(debtor.peer, bytes);
      debtor.destroy();
    }
  }

  #tell(peer: string, bytes: number): void {
    const now = this.now();
    if (now - this.#toldAt < TELL_EVERY) return;
    this.#toldAt = now;
    this.log.warn(
      { peer, bytes, connections: this.#cut, maxUnsentBytes: this.maxBytes },
      "connections that do not read their answers are cut off: those with the most unsent bytes first",
    );
    this.#cut = 0;
  }
}
