/** When a connection is held, cut off, or refused: what it may have unsent, and what of it may wait for shards. */
import { LENGTH_BYTES } from "../../protocol/frame.js";
import type { ConnectionContext } from "./connection-context.js";
import { MIN_HELD_BYTES } from "./unsent-budget.js";

/**
 * A connection this many times over `maxOutgoingBytes`, a largest frame, and what shards have under way is cut off: the
 * shards were told to hold back long ago.
 */
const CUT_OFF = 4;

/** What a shard may send in the turn in which it is told to hold back. Its outbox may be full on top of that. */
const TURN_BYTES = 2 * 1024 * 1024;

/**
 * How often a connection may be over its bound of waiting input: once when it reaches it, then by the run that was
 * pending when that was asked, and by the frame that was being looked at. Each is at most as long as the bound.
 */
const WAITING_BOUNDS = 3;

/** What a session's front end makes of a message: at worst JSON, in which each byte is six. */
const FOREIGN_BYTES = 6;

/** Past that, a connection may send this many bytes that need no answer. */
const UNANSWERED_SLACK_BYTES = 64 * 1024;

export class ConnectionLimits {
  /** Unsent bytes past which it is cut off. */
  readonly cutOffBytes: number;
  readonly #context: ConnectionContext;
  readonly #canPause: boolean;
  readonly #maxWaitingBytes: number;

  /** `canPause`: reading from its client can be paused. `isSession`: its client speaks a foreign protocol. */
  constructor(context: ConnectionContext, canPause: boolean, isSession: boolean) {
    const { maxFrameBytes, maxOutgoingBytes, ringBytes } = context.options;
    this.#context = context;
    this.#canPause = canPause;
    this.#maxWaitingBytes = canPause ? Number.POSITIVE_INFINITY : maxFrameBytes;
    const underWay = context.links.length * (ringBytes + TURN_BYTES);
    const still = LENGTH_BYTES + maxFrameBytes + underWay;
    this.cutOffBytes = CUT_OFF * maxOutgoingBytes + still * (isSession ? FOREIGN_BYTES : 1);
  }

  /** Unsent bytes from which on it is held: fewer while all connections together leave too much unread. */
  get heldFrom(): number {
    const { unsent, options } = this.#context;
    return unsent.isShort ? MIN_HELD_BYTES : options.maxOutgoingBytes;
  }

  /** Waiting bytes from which on it is closed: requests are refused long before, so that most of them need no answer. */
  get cutOffWaiting(): number {
    if (this.#canPause) return Number.POSITIVE_INFINITY;
    if (this.#context.waiting.isSpent) return UNANSWERED_SLACK_BYTES;
    return WAITING_BOUNDS * (LENGTH_BYTES + this.#maxWaitingBytes) + UNANSWERED_SLACK_BYTES;
  }

  /** Requests for shards are to be refused when so many bytes of it wait. */
  isOverloaded(waitingBytes: number): boolean {
    const { waiting } = this.#context;
    if (waitingBytes === 0) return waiting.isSpent;
    return waitingBytes > this.#maxWaitingBytes || waiting.isShort;
  }
}
