/**
 * Reads a delivered run message by message.
 */
import { readRuns } from "../../protocol/run.js";
import { nextEntry } from "../messages/content.js";
import { Message } from "./message.js";
import { DeliveredRun, type DeliveryTerms } from "./run.js";
import type { SelectionList } from "./selection-list.js";
import type { Settler } from "./settler.js";

export class RunReader {
  #run: DeliveredRun;
  #index = 0;
  #at: number;
  /** Of its run, it reads the messages before this one. */
  #end: number;

  constructor(run: DeliveredRun) {
    this.#run = run;
    this.#at = run.fields.start;
    this.#end = run.fields.count;
  }

  /** The run of the messages not yet read. */
  get run(): DeliveredRun {
    return this.#run;
  }

  /** Of the next message in its run. */
  get index(): number {
    return this.#index;
  }

  /** Messages not yet read. */
  get left(): number {
    return this.#end - this.#index;
  }

  /** The next message. There must be one left. */
  next(): Message {
    const message = new Message(this.#run, this.#index++, this.#at);
    this.#at = nextEntry(this.#run.view, this.#at);
    return message;
  }

  /** Keeps the next `kept` messages. Returns a reader of the others. */
  split(kept: number): RunReader {
    const rest = new RunReader(this.#run);
    rest.#at = this.#at;
    rest.#index = this.#index;
    rest.#end = this.#end;
    for (let i = 0; i < kept; i++) rest.#at = nextEntry(this.#run.view, rest.#at);
    rest.#index += kept;
    this.#end = rest.#index;
    return rest;
  }

  /** The lease of the messages not yet read has another end. */
  renew(deadline: number): void {
    this.#run = this.#run.renewed(deadline);
  }

  /** Selects the messages not yet read. */
  select(selections: SelectionList): void {
    const { idHigh, idLow, delivery } = this.#run.fields;
    if (this.left > 0) selections.addRun(idHigh, idLow + this.#index, this.left, delivery);
  }
}

/** Readers of the runs [start, end) of a frame. Throws ProtocolError when they are not runs. */
export const readDeliveredRuns = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  settler: Settler,
  terms?: DeliveryTerms,
): RunReader[] =>
  readRuns(view, start, end).map((fields) => new RunReader(new DeliveredRun(bytes, view, fields, settler, terms)));
