/** Whether a connection is that of a native client, or carries a session. */
import type { UnansweredPops } from "./late-pops.js";

/** What a session tells of itself to the connection that carries it. */
export interface SessionSide {
  readonly maxInFlight: number;
  readonly unanswered: UnansweredPops;
}

export interface ConnectionKind {
  /** Undefined: its client speaks the native protocol. */
  readonly session?: SessionSide;
  /** No HELLO is waited for. */
  readonly hasSaidHello?: boolean;
}
