/** What a listener needs of the broker to let connections in. */

import type { NativeConnection } from "../native/connection.js";
import type { ConnectionKind } from "../native/connection-kind.js";
import type { Transport } from "../native/transport.js";
import type { AddressShares } from "./address-shares.js";

/** To let in whatever speaks other protocols than the native one. */
export interface SocketHost {
  /** The sockets of all listeners, unrecognized ones included, are at their limit. */
  readonly isFull: boolean;
  /** More than half of that: sockets that are of no use to anybody should go. */
  readonly isScarce: boolean;
  /** They are so far past the limit that the newest is closed without an answer. */
  readonly isOverLimit: boolean;
  /** File descriptors may run out: the newest socket is closed without an answer, whatever it is. */
  readonly isCrowded: boolean;
  /** What each address has of the connections. */
  readonly shares: AddressShares;
  /** Sets bytes of the memory for half-received frames apart; false: there are too few. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
  /** A connection could not be accepted. */
  acceptFailed(error: Error): void;
}

export interface ConnectionHost extends SocketHost {
  /** A new connection; the listener brings it bytes and tells it when it can send again and when it is closed. */
  open(transport: Transport, kind: Pick<ConnectionKind, "origin" | "isTrusted">): NativeConnection;
}
