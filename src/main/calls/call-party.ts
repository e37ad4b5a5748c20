/** What calls tell a connection: each method sends it one frame. */
import type { ErrorName } from "../../protocol/errors.js";

export interface CallParty {
  /** CONFIRM of a RESPOND or a STOP_RESPONDING. */
  confirmed(request: number, count: number): void;
  /** ERROR. `request` 0: about a frame that has no answer. */
  failed(request: number, kind: ErrorName, text: string): void;
  /** The answer to a CALL: the message is [start, end), good until it returns. */
  replied(request: number, bytes: Uint8Array, start: number, end: number): void;
  /** The answer to a CALL: the responder's program has failed with an error of this name. */
  responderFailed(request: number, name: string, text: string): void;
  /** A call for the responder with this request, and the milliseconds that it has left. The message is good until it returns. */
  called(responder: number, call: number, left: number, bytes: Uint8Array, start: number, end: number): void;
  /** Nobody waits any more for the reply to a call that the responder has. */
  abandoned(responder: number, call: number, reason: ErrorName): void;
}
