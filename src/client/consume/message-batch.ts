/**
 * Messages that were delivered together. Settling them together takes one request, and no promise for each message.
 */
import { Op } from "../../protocol/op.js";
import type { NackOptions, TouchOptions } from "../arguments/options.js";
import { readNack, readTouch } from "../arguments/request-checks.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import type { Message } from "./message.js";
import type { RunReader } from "./run-reader.js";
import { SelectionList } from "./selection-list.js";
import { nackArguments } from "./settle-batch.js";
import type { Settlement } from "./settle-result.js";
import type { Settler } from "./settler.js";

export class MessageBatch implements Iterable<Message> {
  readonly #settler: Settler;
  readonly #readers: readonly RunReader[];
  /** Selects those of its messages that are held under a lease. */
  readonly #leased = new SelectionList();
  #leases = 0;
  /** Messages of its runs that were settled one by one before this batch was made. */
  readonly #settledBefore: number;
  #isSettled = false;
  /** How many messages came. */
  readonly size: number;

  constructor(settler: Settler, readers: readonly RunReader[]) {
    this.#settler = settler;
    this.#readers = readers;
    this.size = readers.reduce((sum, { left }) => sum + left, 0);
    for (const reader of readers) {
      if (reader.run.isAcked) continue;
      this.#leases += reader.left;
      reader.select(this.#leased);
    }
    this.#settledBefore = this.#settledOneByOne();
  }

  /** How many of them are held under a lease: all, or none on a topic that acks by itself. */
  get leases(): number {
    return this.#leases;
  }

  /** The messages, each once. */
  *[Symbol.iterator](): IterableIterator<Message> {
    for (const reader of this.#readers) while (reader.left > 0) yield reader.next();
  }

  /**
   * The program has settled neither all of them together nor each of them.
   *
   * @internal
   */
  get isHeld(): boolean {
    return !this.#isSettled && this.#settledOneByOne() - this.#settledBefore < this.#leases;
  }

  /** All of them are done with. Resolves with those for which it came too late; rejects with CONNECTION_CLOSED. */
  ack(): Promise<Settlement> {
    this.#isSettled = true;
    return this.#settle(Op.ACK, []);
  }

  /** Gives all of them back. Resolves as `ack` does. */
  async nack(options: NackOptions = {}): Promise<Settlement> {
    const read = readNack(options);
    this.#isSettled = true;
    return this.#settle(Op.NACK, nackArguments(read));
  }

  /** Holds all of them for longer. Resolves as `ack` does. */
  async touch(options: TouchOptions = {}): Promise<Settlement> {
    return this.#settle(Op.TOUCH, [readTouch(options).ttr]);
  }

  toJSON(): object {
    return { size: this.size, leases: this.leases };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("MessageBatch", this.toJSON(), options, inspect);
  }

  #settledOneByOne(): number {
    return this.#readers.reduce((sum, { run }) => sum + run.settled, 0);
  }

  #settle(op: number, args: readonly unknown[]): Promise<Settlement> {
    return this.#settler.settleAll(op, args, this.#leased, this.#leases);
  }
}
