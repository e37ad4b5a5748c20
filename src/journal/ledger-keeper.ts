/**
 * Keeps the ledger of a journal that is being written: at once when a new segment has its first records on disk, and when
 * segments are to go; otherwise while the shard has a moment's rest, and once a second while it has none.
 */
import type { Ledger } from "./ledger.js";

/**
 * Milliseconds without a commit until the last one is written down. Shorter than anybody's pause between two thoughts, and
 * longer than what lies between two commits under load, which then share the syncs of the disk with nobody.
 */
const REST = 50;

/** The most that may pass: a segment that is cut short or emptied has lost at most that much unnoticed. */
const INTERVAL = 1000;

export class LedgerKeeper {
  readonly #ledger: Ledger;
  #sequence: number;
  #bytes: number;
  /** Time of the last sync, and of the first that the ledger does not know; Infinity: it knows all. */
  #syncedAt = 0;
  #unknownSince = Number.POSITIVE_INFINITY;
  /** After a failed write. */
  #retryAt = Number.NEGATIVE_INFINITY;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#sequence = ledger.entry.last;
    this.#bytes = ledger.entry.bytes;
  }

  /** When `write` is due. */
  get due(): number {
    const due = Math.min(this.#syncedAt + REST, this.#unknownSince + INTERVAL);
    return this.#unknownSince === Number.POSITIVE_INFINITY ? this.#unknownSince : Math.max(due, this.#retryAt);
  }

  /**
   * The first `bytes` of the last segment are on disk. If it is a new one, throws disk faults, and the caller tries again:
   * nothing in it is confirmed before the ledger names it.
   */
  synced(sequence: number, bytes: number, now: number): void {
    if (sequence === this.#sequence && bytes === this.#bytes) return;
    this.#sequence = sequence;
    this.#bytes = bytes;
    this.#syncedAt = now;
    if (this.#unknownSince > now) this.#unknownSince = now;
    if (sequence !== this.#ledger.entry.last) this.write(now);
  }

  /** Writes what it does not know yet. Throws disk faults, and is due again after a while. */
  write(now: number): void {
    if (this.#unknownSince === Number.POSITIVE_INFINITY) return;
    this.#retryAt = now + INTERVAL;
    this.#ledger.write({ first: this.#ledger.entry.first, last: this.#sequence, bytes: this.#bytes });
    this.#retryAt = Number.NEGATIVE_INFINITY;
    this.#unknownSince = Number.POSITIVE_INFINITY;
  }

  /** Segments before this one are obsolete. Throws disk faults; none of them may go then. */
  raise(first: number): void {
    const { entry } = this.#ledger;
    if (first > entry.first) this.#ledger.write({ ...entry, first });
  }

  close(): void {
    this.#ledger.close();
  }
}
