/** What a listener needs of the broker to let native connections in. */

import type { NativeConnection } from "../native/connection.js";
import type { Transport } from "../native/transport.js";
import type { AddressShares } from "./address-shares.js";

export interface ConnectionHost {
  /** Sockets of all listeners, those that have not said what they are among them, are at their limit. */
  readonly isFull: boolean;
  /** So many are there beyond the limit that the newest is closed without a word. */
  readonly isOverLimit: boolean;
  /** Descriptors for others may run out: the newest is closed without a word, whatever it is. */
  readonly isCrowded: boolean;
  /** What each address has of the connections. */
  readonly shares: AddressShares;
  /** Sets bytes of the memory for half-received frames apart; false: there are too few. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
  /** A connection could not be accepted. */
  acceptFailed(error: Error): void;
  /** A new connection; the listener brings it bytes and tells it when it can send again and when it is closed. */
  open(transport: Transport): NativeConnection;
}
