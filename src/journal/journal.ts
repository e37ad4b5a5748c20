/**
 * What a shard's thread asks of its journal. There are two: `FileJournal` writes segments, `memoryJournal` writes
 * nothing.
 */
import { Durability } from "../protocol/op.js";
import type { Log } from "../shard/log/log.js";

export type JournalState =
  | { readonly kind: "working" }
  /** A write fails, for want of space or descriptors above all. Nothing is lost; it goes on when writes succeed again. */
  | { readonly kind: "stalled"; readonly error: NodeJS.ErrnoException }
  /** A sync has failed: nothing is confirmed any more until the broker is started again. */
  | { readonly kind: "failed"; readonly error: Error };

export interface Journal {
  /** `Durability` of the broker. */
  readonly level: number;
  readonly state: JournalState;
  /**
   * Writes what the log has appended, and syncs if that was demanded. Never throws for a fault of the disk: answers the
   * position up to which answers may go; where that is short of the log's, see `state`.
   */
  commit(log: Log, now: number): number;
  /**
   * What needs no commit: the sync of what was only written, files of segments that nobody needs, spares. Answers when
   * there is something to do again (milliseconds since 1970) or Infinity; a commit may make it earlier. It costs nothing
   * to call before its time.
   */
  tick(log: Log, now: number): number;
  /** Whether publishes may be accepted: not while it is stalled, nor when the last room is kept for acks. */
  roomForPublishes(log: Log): boolean;
  /** A clean end: everything written, sealed and synced, unless `state` says otherwise. */
  close(log: Log, now: number): void;
}

/** Nothing on disk: a message lives as long as the process. */
export const memoryJournal: Journal = {
  level: Durability.memory,
  state: { kind: "working" },
  commit: (log) => log.position,
  tick: () => Number.POSITIVE_INFINITY,
  roomForPublishes: () => true,
  close: () => undefined,
};
