/** Whether a connection is that of a native client, or carries a session. */
import type { UnansweredPops } from "./late-pops.js";

/** What a connection needs to know of the session it carries. */
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
