/**
 * What the main thread has of a shard: it sends frames and tells it of connections, and an outlet gets what the shard
 * answers. `RingLink` reaches a shard in a thread of its own, `LocalLink` one in this thread.
 */
import type { MessageHandler } from "../../channel/ends.js";

/** Who is told that bytes which had to wait are in the ring, or will never be. */
export interface Sender {
  taken(bytes: number): void;
}

/** Where the outbox goes. */
export interface Outlet {
  readonly record: MessageHandler;
  /** What is gathered is enough for now: it is to be flushed before another record comes. */
  readonly isFull: boolean;
  /**
   * Sends what is gathered, a bounded amount of work. False: there is more to send, and another call must come before
   * another record, when others have had their turn.
   */
  flush(): boolean;
}

export interface ShardLink {
  readonly shard: number;
  /** Bytes wait for room in the inbox. */
  readonly isCongested: boolean;
  /** The shard has taken all that was sent. */
  readonly isRead: boolean;
  /**
   * Sends [start, end) of `bytes`, which are the caller's again, under an encoded envelope. False: they wait for room, and
   * `sender.taken` is called later; until then the caller should send no more.
   */
  send(sender: Sender, envelope: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean;
  /** Tells the shard something about a connection, or (STOP) about itself, behind all that was sent before. */
  tell(op: number, connection: number): void;
  /** Reads what the shard, which has ended, left in the outbox. Nothing is read or written any more. */
  close(): void;
}
