/**
 * The delivered messages that a program has not read yet.
 */
import { Fifo } from "../../collections/fifo.js";
import type { Message } from "./message.js";
import type { RunReader } from "./run-reader.js";

export class MessageBuffer {
  readonly #readers = new Fifo<RunReader>();
  #size = 0;
  /** Those of them that are held under a lease. */
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

  /** Removes and returns everything that is not read. */
  takeAll(): RunReader[] {
    this.#size = 0;
    this.#leased = 0;
    return this.#readers.takeAll();
  }

  /** Drops the messages that are held under a lease. */
  dropLeased(): void {
    for (const reader of this.takeAll()) if (reader.run.isAcked) this.push(reader);
  }

  /**
   * Drops the oldest messages that are held under a lease until at most `size` of these are left. Returns how many it
   * dropped. Messages that were acked on delivery stay: nobody else gets them, and credit bounds them.
   */
  dropLapsed(size: number): number {
    const dropped = Math.max(this.#leased - size, 0);
    let excess = dropped;
    /** Older than the last one that is dropped, but acked on delivery: these stay. */
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
    // Rare: the topic's `autoAck` was changed a moment ago.
    if (older.length > 0) for (const reader of [...older, ...this.takeAll()]) this.push(reader);
    return dropped;
  }
}
