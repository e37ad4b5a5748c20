/**
 * Reads a delivered run message by message.
 */
import { readRuns } from "../../protocol/run.js";
import { nextEntry } from "../messages/content.js";
import { Message } from "./message.js";
import { DeliveredRun } from "./run.js";
import type { SelectionList } from "./selection-list.js";
import type { Settler } from "./settler.js";

export class RunReader {
  #index = 0;
  #at: number;

  constructor(readonly run: DeliveredRun) {
    this.#at = run.fields.start;
  }

  /** Messages not yet read. */
  get left(): number {
    return this.run.fields.count - this.#index;
  }

  /** The next message. There must be one left. */
  next(): Message {
    const message = new Message(this.run, this.#index++, this.#at);
    this.#at = nextEntry(this.run.view, this.#at);
    return message;
  }

  /** Skips messages. There must be as many left. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.#at = nextEntry(this.run.view, this.#at);
    this.#index += count;
  }

  /** Selects the messages not yet read. */
  select(selections: SelectionList): void {
    const { idHigh, idLow, delivery } = this.run.fields;
    selections.addRun(idHigh, idLow + this.#index, this.left, delivery);
  }
}

/** Readers of the runs [start, end) of a frame. Throws ProtocolError when they are not runs. */
export const readDeliveredRuns = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  settler: Settler,
): RunReader[] =>
  readRuns(view, start, end).map((fields) => new RunReader(new DeliveredRun(bytes, view, fields, settler)));
