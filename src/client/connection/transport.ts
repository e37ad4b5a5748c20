/**
 * What carries frames to the broker and back. The connection above knows nothing else of sockets.
 */
import type { Address } from "./address.js";

/** What a transport tells the connection above it. */
export interface TransportEvents {
  /** Bytes have come: any part of the stream over TCP, whole frames over WebSocket. They are the receiver's to keep. */
  received(bytes: Uint8Array): void;
  /** All that was sent has left the process: there is room again, and every buffer is the caller's. */
  drained(): void;
  /** The connection is gone; nothing follows. Called once for a transport that was opened. */
  ended(error?: Error): void;
}

export interface Transport {
  /**
   * Sends whole frames. True: the bytes are the caller's again. False: they must stay as they are until `drained`,
   * and nothing more should be sent before that.
   */
  send(bytes: Uint8Array): boolean;
  /** Closes the connection once all that was sent has left. */
  end(): void;
  /** Closes the connection at once. */
  destroy(): void;
}

/** Opens a transport. Rejects with what kept it from opening, or with the signal's reason. */
export type OpenTransport = (address: Address, events: TransportEvents, signal: AbortSignal) => Promise<Transport>;
