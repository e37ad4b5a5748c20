/**
 * A connection of the raw load: bytes out, bytes in, over TCP or WebSocket.
 */

/** [start, end) of a buffer that is read into again: good during the call. */
export type Receive = (bytes: Uint8Array, view: DataView, start: number, end: number) => void;

export interface Wire {
  /** Bytes of WebSocket framing that stand before a frame of `length` bytes. */
  prefixBytes(length: number): number;
  /** A frame as it goes onto the wire. */
  framed(frame: Uint8Array): Uint8Array;
  /** Frames that are framed. The bytes are the wire's until the broker has answered them. */
  send(bytes: Uint8Array): void;
  end(): void;
}
