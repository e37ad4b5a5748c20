/**
 * What a shard's thread asks of its journal. There are two: `FileJournal` writes segments, `memoryJournal` writes
 * nothing.
 */
import { Durability } from "../protocol/op.js";
import type { Log } from "../shard/log/log.js";
import type { Fault } from "./disk-fault.js";

export type JournalState =
  | { readonly kind: "working" }
  /**
   * A write failed, mostly for want of space or descriptors. Nothing is lost; the journal resumes when writes succeed.
   */
  | { readonly kind: "stalled"; readonly error: NodeJS.ErrnoException }
  /** A sync has failed: nothing is confirmed until the broker is restarted. */
  | { readonly kind: "failed"; readonly error: Error };

export interface Journal {
  /** The broker's `Durability`. */
  readonly level: number;
  readonly state: JournalState;
  /** Log position up to which everything survives a loss of power. */
  readonly synced: number;
  /**
   * Writes what the log has appended, and syncs it if that was demanded. Returns the log position up to which answers
   * may be sent. Does not throw for disk faults: if the position is short of the log's, see `state`.
   */
  commit(log: Log, now: number): number;
  /**
   * Background work: syncs what was only written, reclaims segments, makes spares. Returns when there is more to do
   * (milliseconds since 1970, or Infinity); a commit may make it earlier. Calling it too early costs nothing.
   */
  tick(log: Log, now: number): number;
  /** Whether publishes may be accepted: not while stalled, nor when the remaining space is reserved for acks. */
  roomForPublishes(log: Log): boolean;
  /** Why it has no room for publishes, as far as is known. The same object for the same failure. */
  readonly hindrance: Fault | undefined;
  /** A clean end: writes, seals and syncs everything, unless `state` says otherwise. */
  close(log: Log, now: number): void;
}

/** Writes nothing: messages live as long as the process. */
export const memoryJournal: Journal = {
  level: Durability.memory,
  state: { kind: "working" },
  synced: 0,
  commit: (log) => log.position,
  tick: () => Number.POSITIVE_INFINITY,
  roomForPublishes: () => true,
  hindrance: undefined,
  close: () => undefined,
};
