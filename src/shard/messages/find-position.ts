/**
 * Where a FIND is in the messages of a queue, which a client quotes to go on from there. A message is passed as long as it stays
 * where it is, and none that stays is left out: lists are in the order of places, of blocks within a place, and of deliveries in
 * flight, whatever comes and goes meanwhile.
 */
import { ProtocolError } from "../../protocol/errors.js";
import type { MessageState } from "../command.js";
import { ALL_STATES } from "./purge.js";

/** Numbers in the text of a position, in base 36. */
const NUMBERS = /^[0-9a-z]{1,11}(\.[0-9a-z]{1,11}){7}$/;

export class FindPosition {
  /** An index of `ALL_STATES`; behind the last one: the end. */
  state = 0;
  /** Of messages in flight: the number of their consumer and 1; 0: of none. */
  holder = 0;
  /** Of the last message that was passed in this list; a place of 0: none was. */
  delivery = 0;
  place = 0;
  block = 0;
  /** The messages of the block that were passed, as a mask. */
  done = 0;
  /** The extent that has or had them, from where there is less to walk. */
  extent = 0;

  /** Goes to the beginning of a list. */
  enter(state: number, holder = 0): void {
    this.state = state;
    this.holder = holder;
    this.delivery = 0;
    this.place = 0;
    this.block = 0;
    this.done = 0;
    this.extent = 0;
  }

  /** Passes messages of a block. */
  pass(extent: number, delivery: number, place: number, block: number, mask: number): void {
    const isSame = place === this.place && block === this.block && delivery === this.delivery;
    this.extent = extent;
    this.delivery = delivery;
    this.place = place;
    this.block = block;
    this.done = isSame ? this.done | mask : mask;
  }

  /** As text. `life`: of the shard, since places begin anew with the next one. */
  format(life: number): string {
    const { state, holder, delivery, place, block, done, extent } = this;
    return [life, state, holder, delivery, place, block, done >>> 0, extent].map((n) => n.toString(36)).join(".");
  }
}

/** Throws BAD_HEAD when it is not the position of a FIND in these states, and CURSOR_LOST when it is one of another life. */
export const readPosition = (text: string, life: number, state: MessageState | "all"): FindPosition => {
  if (!NUMBERS.test(text)) throw new ProtocolError("BAD_HEAD", "after must be the cursor of an answer to FIND");
  const [of = 0, index = 0, holder = 0, delivery = 0, place = 0, block = 0, done = 0, extent = 0] = text
    .split(".")
    .map((digits) => Number.parseInt(digits, 36));
  if (of !== life) {
    throw new ProtocolError("CURSOR_LOST", "the shard was started anew since it gave the cursor: begin again");
  }
  const known = ALL_STATES[index];
  if (known === undefined || (state !== "all" && state !== known)) {
    throw new ProtocolError("BAD_HEAD", "after must be the cursor of a FIND of the same state");
  }
  const position = new FindPosition();
  position.enter(index, holder);
  position.pass(extent, delivery >>> 0, place, block, done | 0);
  return position;
};
