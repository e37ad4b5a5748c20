/**
 * The main thread's side of a shard: frames and news of connections go in, and answers come out into an outlet. `RingLink`
 * is the link to a shard in a thread of its own, `LocalLink` to one in this thread.
 */
import type { MessageHandler } from "../../channel/ends.js";

/** Is told when bytes that had to wait have been sent, or never will be. */
export interface Sender {
  taken(bytes: number): void;
}

/** Receives what comes out of the outbox. */
export interface Outlet {
  readonly record: MessageHandler;
  /** Enough is gathered: it must be flushed before the next record. */
  readonly isFull: boolean;
  /**
   * Sends what is gathered, a bounded amount of work. False: there is more. Call it again before the next record, after
   * others have had their turn.
   */
  flush(): boolean;
}

export interface ShardLink {
  readonly shard: number;
  /** Bytes are waiting for room in the inbox. */
  readonly isCongested: boolean;
  /** The shard has taken everything that was sent. */
  readonly isRead: boolean;
  /**
   * Sends [start, end) of `bytes` with an encoded envelope; the bytes may be reused at once. False: they wait for room,
   * `sender.taken` is called later, and the caller should send nothing more until then.
   */
  send(sender: Sender, envelope: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean;
  /** Tells the shard something about a connection, or (STOP) about itself, after everything that was sent before. */
  tell(op: number, connection: number): void;
  /** Reads what the shard, which has ended, left in the outbox. Nothing is read or written after that. */
  close(): void;
}
