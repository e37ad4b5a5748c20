/** Whether a connection is that of a native client, or carries a session; and who is behind it. */
import type { Credential } from "../access/user.js";
import type { UnansweredPops } from "./late-pops.js";

/** What a connection needs to know of the session it carries. */
export interface SessionSide {
  readonly maxInFlight: number;
  readonly unanswered: UnansweredPops;
}

/** Where a client comes from. */
export interface Origin {
  /** Its address, without a port. */
  readonly address: string;
  /** What its certificate says it is: see `UserOptions.certificate`. */
  readonly names: readonly string[];
  /** Who it is if its HELLO shows no token: it has logged in before. */
  readonly login?: Credential | undefined;
}

export interface ConnectionKind {
  /** Undefined: its client speaks the native protocol. */
  readonly session?: SessionSide;
  /** No HELLO is waited for. */
  readonly hasSaidHello?: boolean;
  /** Who its client is, where that is known before it says anything. */
  readonly credential?: Credential | undefined;
  /** It is the broker's own, which may do anything. */
  readonly isTrusted?: boolean | undefined;
  readonly origin?: Origin;
}
