/**
 * Messages that have been handed over and not yet taken by the program: runs, and how far each has been read.
 */
import { Fifo } from "../../collections/fifo.js";
import { readRuns } from "../../protocol/run.js";
import { nextEntry } from "../messages/content.js";
import { DeliveredRun, Message } from "./message.js";
import type { Selections } from "./selection-list.js";
import type { Settler } from "./settler.js";

/** Reads a run one message after another. */
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

  /** Only when some are left. */
  next(): Message {
    const message = new Message(this.run, this.#index++, this.#at);
    this.#at = nextEntry(this.run.view, this.#at);
    return message;
  }

  /** Passes over so many messages, which are left. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.#at = nextEntry(this.run.view, this.#at);
    this.#index += count;
  }

  /** Names the messages not yet read. */
  select(selections: Selections): void {
    const { idHigh, idLow, delivery } = this.run.fields;
    selections.addRun(idHigh, idLow + this.#index, this.left, delivery);
  }
}

/** Reads the runs [start, end) of a frame. Throws BAD_FRAME when they are none. */
export const readDeliveries = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  settler: Settler,
): RunReader[] =>
  readRuns(view, start, end).map((fields) => new RunReader(new DeliveredRun(bytes, view, fields, settler)));

/** A queue of runs. */
export class Deliveries {
  readonly #readers = new Fifo<RunReader>();
  #size = 0;
  /** Messages not yet read that are held under a lease. */
  #leased = 0;

  /** Messages not yet read. */
  get size(): number {
    return this.#size;
  }

  /** Runs that have messages not yet read. */
  get runs(): number {
    return this.#readers.length;
  }

  push(reader: RunReader): void {
    this.#readers.push(reader);
    this.#size += reader.left;
    if (!reader.run.isAcked) this.#leased += reader.left;
  }

  /** The next message, or undefined. */
  shift(): Message | undefined {
    const reader = this.#readers.at(0);
    if (reader === undefined) return undefined;
    const message = reader.next();
    this.#size--;
    if (!reader.run.isAcked) this.#leased--;
    if (reader.left === 0) this.#readers.shift();
    return message;
  }

  /** Everything that is not yet read. */
  takeAll(): RunReader[] {
    this.#size = 0;
    this.#leased = 0;
    return this.#readers.takeAll();
  }

  /** Drops all that is held under a lease. */
  dropLeased(): void {
    for (const reader of this.takeAll()) if (reader.run.isAcked) this.push(reader);
  }

  /**
   * Drops the oldest messages that are held under a lease until no more than `size` of those are left. Answers how many
   * were dropped. What was acked on delivery is nobody else's, and its credit bounds it.
   */
  dropLapsed(size: number): number {
    const dropped = Math.max(this.#leased - size, 0);
    let excess = dropped;
    /** What is older than the last that is dropped, and stays. */
    const older: RunReader[] = [];
    while (excess > 0) {
      const reader = this.#readers.at(0);
      if (reader === undefined) break;
      const n = reader.run.isAcked ? 0 : Math.min(reader.left, excess);
      reader.skip(n);
      excess -= n;
      if (reader.left > 0 && n > 0) break;
      this.#readers.shift();
      if (reader.left > 0) older.push(reader);
    }
    this.#size -= dropped;
    this.#leased -= dropped;
    // Seldom: a topic acks by itself or does not, unless that was changed a moment ago.
    if (older.length > 0) for (const reader of [...older, ...this.takeAll()]) this.push(reader);
    return dropped;
  }
}
