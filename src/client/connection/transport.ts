/**
 * The interface to a socket of any kind, which carries frames to the broker and back.
 */
import type { TlsOptions } from "../arguments/options.js";
import type { Address } from "./address.js";

/** What a transport tells the connection above it. */
export interface TransportEvents {
  /** Any part of the stream has come. The receiver may keep the bytes. */
  received(bytes: Uint8Array): void;
  /** Everything sent has left the process: there is room again, and the caller may reuse every buffer. */
  drained(): void;
  /** The socket is closed; nothing follows. Called once for a transport that was opened. */
  ended(error?: Error): void;
}

export interface Transport {
  /**
   * Sends whole frames. Returns true when the caller may reuse the bytes at once. Returns false when the transport is
   * congested: the bytes must stay as they are, and nothing more should be sent, until `drained`.
   */
  send(bytes: Uint8Array): boolean;
  /** Closes the socket after everything sent has left. */
  end(): void;
  /** Closes the socket at once. */
  destroy(): void;
}

/** Opens a transport. Rejects with what kept it from opening, or with the signal's reason. */
export type OpenTransport = (
  address: Address,
  events: TransportEvents,
  signal: AbortSignal,
  tls?: TlsOptions,
) => Promise<Transport>;
