/** A responder: it takes the calls to a channel, so many at a time. */
import { type HeapEntry, NOWHERE } from "../../collections/indexed-heap.js";
import type { CallChannel } from "./call-channel.js";
import type { CallMember } from "./call-member.js";

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
export const isFreerThan = (a: Responder, b: Responder): boolean => {
  if (a.hasRoom !== b.hasRoom) return a.hasRoom;
  return a.outstanding !== b.outstanding ? a.outstanding < b.outstanding : a.turn < b.turn;
};
