/** A connection that makes calls or takes them: what it has asked, and what it owes. */
import type { Call } from "./call.js";
import type { CallParty } from "./call-party.js";
import type { Responder } from "./responder.js";

const MAX_NUMBER = 0xffff_ffff;

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
