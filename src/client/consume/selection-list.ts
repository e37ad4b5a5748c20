/**
 * A list of selections, which name the messages to settle. Messages with consecutive ids become one selection.
 */
import { formatId, parseId, SEQUENCES } from "../../protocol/id.js";
import { MAX_SELECTED } from "../../protocol/limits.js";
import { MAX_SELECTION, SELECTION_BYTES, writeSelection } from "../../protocol/selection.js";
import { badArgument } from "../arguments/argument-checks.js";

/** The delivery of a selection that matches every delivery: the messages are settled whoever holds them. */
const ANY_DELIVERY = 0;

/** Numbers in the list for each selection. */
const WIDTH = 4;

export class SelectionList {
  /** For each selection: first id (high, low), count, delivery. */
  readonly #fields: number[] = [];
  /** The id and delivery that extend the last selection, and by how many messages it can grow. */
  #nextHigh = -1;
  #nextLow = -1;
  #delivery = -1;
  #room = 0;
  #messages = 0;

  /** Messages selected. */
  get messages(): number {
    return this.#messages;
  }

  /** Selections in it. */
  get count(): number {
    return this.#fields.length / WIDTH;
  }

  /** Adds one message. */
  add(high: number, low: number, delivery: number): void {
    this.#messages++;
    if (low === this.#nextLow && high === this.#nextHigh && delivery === this.#delivery && this.#room > 0) {
      const count = this.#fields.length - 2;
      this.#fields[count] = (this.#fields[count] ?? 0) + 1;
      this.#room--;
    } else {
      this.#fields.push(high, low, 1, delivery);
      this.#nextHigh = high;
      this.#delivery = delivery;
      // A selection does not run past the last sequence number of its millisecond.
      this.#room = SEQUENCES - 1 - (low & (SEQUENCES - 1));
    }
    this.#nextLow = low + 1;
  }

  /** Adds the messages of a run. */
  addRun(high: number, low: number, count: number, delivery: number): void {
    this.#room = 0;
    this.#messages += count;
    for (let done = 0; done < count; ) {
      const at = low + done;
      const n = Math.min(count - done, MAX_SELECTION - (at & (SEQUENCES - 1)));
      this.#fields.push(high, at, n, delivery);
      done += n;
    }
  }

  /** The end of a request that begins with the selection `from`: it selects at most MAX_SELECTED messages. */
  requestEnd(from: number): number {
    let to = from;
    let messages = 0;
    while (to < this.count) {
      messages += this.#fields[to * WIDTH + 2] ?? 0;
      if (messages > MAX_SELECTED) break;
      to++;
    }
    return to;
  }

  /** Encodes the selections [from, to) as a payload. */
  encode(from = 0, to = this.count): Uint8Array {
    const payload = new Uint8Array((to - from) * SELECTION_BYTES);
    const view = new DataView(payload.buffer);
    for (let at = 0, i = from * WIDTH; at < payload.length; at += SELECTION_BYTES, i += WIDTH) {
      const [high = 0, low = 0, count = 0, delivery = 0] = this.#fields.slice(i, i + WIDTH);
      writeSelection(view, at, high, low, count, delivery);
    }
    return payload;
  }

  /** The ids of all messages in decimal, in the order in which they were added. */
  *ids(): Generator<string, void> {
    for (let i = 0; i < this.#fields.length; i += WIDTH) {
      const [high = 0, low = 0, count = 0] = this.#fields.slice(i, i + WIDTH);
      for (let n = 0; n < count; n++) yield formatId(high, low + n);
    }
  }
}

/** Selects messages by their ids in decimal, whoever holds them. Throws BAD_ARGUMENT for what is not an id. */
export const selectIds = (ids: readonly unknown[]): SelectionList => {
  const selections = new SelectionList();
  for (const [i, id] of ids.entries()) {
    const words = typeof id === "string" ? parseId(id) : undefined;
    if (words === undefined) {
      const why = typeof id === "number" ? " (a number does not hold all of its digits)" : "";
      throw badArgument(ids.length === 1 ? "id" : `ids[${i}]`, id, `a message's id in decimal, as text${why}`);
    }
    selections.add(words.high, words.low, ANY_DELIVERY);
  }
  return selections;
};
