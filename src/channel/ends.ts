/**
 * The two ends of a channel between a shard's loop and the broker, as either side sees them. A ring in shared memory
 * has them (`RingWriter`, `RingReader`), and so has a queue within one thread (`LocalChannel`).
 */

/**
 * Receives a message. The payload is [start, end) of `bytes` and of `view`, which share memory: the channel's or the
 * reader's. They are valid until the handler returns. The envelope may be kept, but not changed.
 */
export type MessageHandler = (
  envelope: readonly number[],
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
) => void;

export interface MessageWriter {
  /** Bytes that were written and have not been read, about. */
  readonly unreadBytes: number;
  /**
   * Writes a message: an encoded envelope and [start, end) of `payload`, both of which may be reused at once. False: there
   * is no room for it now.
   */
  tryWrite(envelope: Uint8Array, payload: Uint8Array, start: number, end: number): boolean;
  /** Blocks the thread until there is room, at most `timeoutMs`. Not called if the writer always has room. */
  waitWritable(timeoutMs: number): void;
}

export interface MessageReader {
  /** Nothing to read now. */
  readonly isEmpty: boolean;
  /** Passes up to `maxMessages` messages to the handler and returns how many. */
  drain(handler: MessageHandler, maxMessages: number): number;
  /** Called by a handler: `drain` returns after the current message. */
  stop(): void;
}
