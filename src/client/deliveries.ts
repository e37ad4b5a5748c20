/**
 * Messages that have been handed over and not yet taken by the program: runs, and how far each has been read.
 */
import { readRuns } from "../protocol/run.js";
import { nextEntry } from "./content.js";
import { DeliveredRun, Message } from "./message.js";
import type { Selections } from "./selections.js";
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
  #readers: RunReader[] = [];
  /** The runs before this one have been read. */
  #first = 0;
  #size = 0;

  /** Messages not yet read. */
  get size(): number {
    return this.#size;
  }

  push(reader: RunReader): void {
    this.#readers.push(reader);
    this.#size += reader.left;
  }

  /** The next message, or undefined. */
  shift(): Message | undefined {
    const reader = this.#readers[this.#first];
    if (reader === undefined) return undefined;
    const message = reader.next();
    this.#size--;
    if (reader.left === 0) this.#pass();
    return message;
  }

  /** Everything that is not yet read. */
  takeAll(): RunReader[] {
    const readers = this.#readers.slice(this.#first);
    this.#readers = [];
    this.#first = 0;
    this.#size = 0;
    return readers;
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
    if (this.#size <= size) return 0;
    const readers = this.takeAll();
    let leased = 0;
    for (const { run, left } of readers) if (!run.isAcked) leased += left;
    let excess = Math.max(leased - size, 0);
    const dropped = excess;
    for (const reader of readers) {
      if (!reader.run.isAcked && excess > 0) {
        const n = Math.min(reader.left, excess);
        reader.skip(n);
        excess -= n;
      }
      if (reader.left > 0) this.push(reader);
    }
    return dropped;
  }

  #pass(): void {
    this.#first++;
    if (this.#first < this.#readers.length) return;
    this.#readers = [];
    this.#first = 0;
  }
}
