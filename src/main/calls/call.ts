/**
 * A call: a request of one connection that another is to reply to. It waits until a responder is free, then a responder
 * has it, and it is over when the requester has its answer.
 *
 * ```
 *            no responder ─────────────────────────────────────┐
 *   CALL ──┬─────────────── a responder is free ──▶ HANDED OUT ─┴─▶ over: REPLIED or ERROR
 *          └─▶ WAITING ─── a responder has room ───────▲   │
 *                 └──── timeout, abandoned, requester lost ┴─────▶ over; a responder that has it still settles it
 * ```
 */
import { type HeapEntry, NOWHERE } from "../../collections/indexed-heap.js";
import type { CallChannel } from "./call-channel.js";
import type { CallMember } from "./call-member.js";
import type { Responder } from "./responder.js";

export class Call implements HeapEntry {
  /** Among the deadlines. */
  place = NOWHERE;
  /** Undefined: it waits for one, or it is over. */
  responder: Responder | undefined;
  /** The responder's connection knows it by this. */
  number = 0;
  /** Its message, as long as it waits. */
  entry: Uint8Array | undefined;
  /** Its neighbours among the waiting calls of its requester to the channel. */
  before: Call | undefined;
  after: Call | undefined;

  constructor(
    readonly requester: CallMember,
    /** The number of its CALL. */
    readonly request: number,
    readonly channel: CallChannel,
    /** By the clock of whoever runs the calls. */
    readonly deadline: number,
  ) {}
}

export const isDueBefore = (a: Call, b: Call): boolean => a.deadline < b.deadline;
