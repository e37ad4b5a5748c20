/**
 * The delivered messages that a program has not read yet, in the order in which they came.
 */
import { Fifo } from "../../collections/fifo.js";
import type { Message } from "./message.js";
import type { RunReader } from "./run-reader.js";
import { SelectionList } from "./selection-list.js";

export class MessageBuffer {
  readonly #readers = new Fifo<RunReader>();
  #size = 0;

  /** Messages not yet read. */
  get size(): number {
    return this.#size;
  }

  /** Runs that have messages not yet read. */
  get runs(): number {
    return this.#readers.length;
  }

  /** When the lease of the next message ends, by the broker's clock; Infinity when there is none. */
  get deadline(): number {
    return this.#readers.at(0)?.run.fields.time ?? Number.POSITIVE_INFINITY;
  }

  /** The run of the next message; undefined: there is none. */
  get first(): RunReader | undefined {
    return this.#readers.at(0);
  }

  push(reader: RunReader): void {
    this.#readers.push(reader);
    this.#size += reader.left;
  }

  /** The next message, of the first run. */
  shift(reader: RunReader): Message {
    const message = reader.next();
    this.#size--;
    if (reader.left === 0) this.#readers.shift();
    return message;
  }

  /** Removes and returns everything that is not read. */
  takeAll(): RunReader[] {
    this.#size = 0;
    return this.#readers.takeAll();
  }

  /** Removes and selects everything that is not read. */
  selectAll(): SelectionList {
    const selected = new SelectionList();
    for (const reader of this.takeAll()) reader.select(selected);
    return selected;
  }

  /** Removes and selects the next messages, as far as their leases end before that time. */
  selectExpired(time: number): SelectionList {
    const selected = new SelectionList();
    while (this.deadline <= time) {
      const reader = this.#readers.shift();
      if (reader === undefined) break;
      this.#size -= reader.left;
      reader.select(selected);
    }
    return selected;
  }

  /** Removes and selects the next `count` messages. */
  selectFirst(count: number): SelectionList {
    const selected = new SelectionList();
    let left = count;
    for (const reader of this.takeAll()) {
      const gone = Math.min(left, reader.left);
      left -= gone;
      const rest = reader.split(gone);
      reader.select(selected);
      if (rest.left > 0) this.push(rest);
    }
    return selected;
  }

  /** Removes and selects the last `count` messages. */
  selectLast(count: number): SelectionList {
    const selected = new SelectionList();
    let stay = this.#size - count;
    for (const reader of this.takeAll()) {
      const kept = Math.min(stay, reader.left);
      stay -= kept;
      reader.split(kept).select(selected);
      if (kept > 0) this.push(reader);
    }
    return selected;
  }

  /** All leases end at that time. */
  renew(deadline: number): void {
    for (const reader of this.#readers) reader.renew(deadline);
  }
}
