/**
 * The interface of a raw load's connection, over TCP or WebSocket.
 */

/** Takes received bytes, [start, end) of a buffer that is reused after the call. */
export type Receive = (bytes: Uint8Array, view: DataView, start: number, end: number) => void;

export interface Wire {
  /** Bytes of WebSocket framing before a frame of `length` bytes. */
  prefixBytes(length: number): number;
  /** A frame with its WebSocket framing, if any. */
  framed(frame: Uint8Array): Uint8Array;
  /** Sends framed frames. The bytes must not change until the broker has answered. */
  send(bytes: Uint8Array): void;
  end(): void;
  /** What its HELLO shows. */
  readonly token?: string | undefined;
}
