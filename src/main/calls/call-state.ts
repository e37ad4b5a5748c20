/**
 * What there is of calls: connections, channels, their responders, and the calls themselves. They know each other, so they
 * are in one file.
 *
 * A **call** is a request of one connection that another is to reply to. It waits until a responder is free, then a responder
 * has it, and it is over when the requester has its answer.
 *
 * ```
 *            no responder ─────────────────────────────────────┐
 *   CALL ──┬─────────────── a responder is free ──▶ HANDED OUT ─┴─▶ over: REPLIED or ERROR
 *          └─▶ WAITING ─── a responder has room ───────▲   │
 *                 └──── timeout, abandoned, requester lost ┴─────▶ over; a responder that has it still settles it
 * ```
 */
import { type HeapEntry, IndexedHeap, NOWHERE } from "../../collections/indexed-heap.js";
import type { CallParty } from "./call-party.js";
import { type WaitingCall, WaitingCalls } from "./waiting-calls.js";

const MAX_NUMBER = 0xffff_ffff;

/** A connection that makes calls or takes them: what it has asked, and what it owes. */
export class CallMember {
  /** Its connection takes no more bytes for now, and no calls. */
  isHeld = false;
  /** The calls it waits for, by the number of their CALL. */
  readonly calls = new Map<number, Call>();
  /** What its responders have not settled, by number: a call, or of one that is over the responder that still has it. */
  readonly owed = new Map<number, Call | Responder>();
  /** Its responders that have not stopped, by the number of their RESPOND. */
  readonly responders = new Map<number, Responder>();
  /** The calls that its responders may have: the credits of those, and what stopped ones still have. */
  credit = 0;
  #last = 0;

  constructor(readonly party: CallParty) {}

  /** A number for a call that one of its responders is given. */
  nextNumber(): number {
    do {
      this.#last = this.#last === MAX_NUMBER ? 1 : this.#last + 1;
    } while (this.owed.has(this.#last));
    return this.#last;
  }
}

/** A responder: it takes the calls to a channel, so many at a time. */
export class Responder implements HeapEntry {
  /** Among the responders of its channel; NOWHERE once it has stopped. */
  place = NOWHERE;
  /** Calls that it has and has not settled, those among them that are over for their requester. */
  outstanding = 0;
  /** When it was given a call last: counts up over all responders. */
  turn = 0;

  constructor(
    readonly member: CallMember,
    /** The number of its RESPOND. */
    readonly request: number,
    readonly channel: CallChannel,
    /** Calls that it takes at a time. */
    readonly credit: number,
  ) {}

  get hasRoom(): boolean {
    return this.outstanding < this.credit && !this.member.isHeld;
  }
}

/** Those with room first, of them those with the least to do, of equals the one that was served the longest ago. */
const isFreerThan = (a: Responder, b: Responder): boolean => {
  if (a.hasRoom !== b.hasRoom) return a.hasRoom;
  return a.outstanding !== b.outstanding ? a.outstanding < b.outstanding : a.turn < b.turn;
};

/** A channel as calls see it: its responders, and the calls that wait for one of them. It is there while it has responders. */
export class CallChannel {
  readonly responders = new IndexedHeap<Responder>(isFreerThan);
  readonly waiting = new WaitingCalls<Call>();

  constructor(readonly name: string) {}
}

export class Call implements HeapEntry, WaitingCall<Call> {
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
