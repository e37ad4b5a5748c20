/**
 * Settling the messages of one queue. What is settled the same way in one turn of the event loop travels in one frame;
 * a frame is ended when the next message is settled in another way, so that a queue sees the calls in their order.
 */
import { Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import type { NackOptions, TouchOptions } from "../arguments/options.js";
import { unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import type { Connection, Gatherer } from "../connection/connection.js";
import { requestHead } from "../connection/request-head.js";
import type { Selections } from "./selection-list.js";
import { SettleBatch } from "./settle-batch.js";
import { refusedSettlement, SettleExchange, type Settlement } from "./settle-result.js";

export class Settler {
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #queue: string | undefined;
  readonly #open: Set<Settler>;
  readonly #ackHead: Uint8Array;
  #batch: SettleBatch | undefined;

  /** While it has something to seal it is among the `open`. */
  constructor(connection: Connection, topic: string, queue: string | undefined, open: Set<Settler>) {
    this.#connection = connection;
    this.#topic = topic;
    this.#queue = queue;
    this.#open = open;
    this.#ackHead = requestHead([topic, queue]);
  }

  ack(high: number, low: number, delivery: number): Promise<void> {
    return this.#settle(Op.ACK, undefined, undefined, high, low, delivery);
  }

  nack(high: number, low: number, delivery: number, { delay, reject }: NackOptions): Promise<void> {
    return this.#settle(Op.NACK, delay, reject, high, low, delivery);
  }

  touch(high: number, low: number, delivery: number, { ttr }: TouchOptions): Promise<void> {
    return this.#settle(Op.TOUCH, ttr, undefined, high, low, delivery);
  }

  /** Settles messages that are named together, after all that was settled before. `named` is how many they are. */
  async settleAll(op: number, args: readonly unknown[], selections: Selections, named: number): Promise<Settlement> {
    const head = requestHead([this.#topic, this.#queue, ...args]);
    const answers: Promise<Settlement>[] = [];
    for (let from = 0, to = 0; from < selections.count; from = to) {
      to = selections.cut(from);
      const exchange = new SettleExchange(named);
      unobserved(exchange.promise);
      const payload = selections.encode(from, to);
      this.#connection.control(op, head, exchange, payload);
      answers.push(exchange.promise);
    }
    const settlements = await Promise.all(answers);
    return {
      settled: settlements.reduce((sum, { settled }) => sum + settled, 0),
      faults: settlements.flatMap(({ faults }) => faults),
    };
  }

  seal(): void {
    const batch = this.#close();
    if (batch === undefined) return;
    const { op, first, second, selections } = batch;
    try {
      const head = op === Op.ACK ? this.#ackHead : requestHead([this.#topic, this.#queue, first, second]);
      this.#connection.send(op, 0, head, batch, selections.encode());
    } catch (error) {
      batch.failed(asBadArgument(error));
    }
  }

  fail(error: RingmqError): void {
    this.#close()?.failed(error);
  }

  #close(): SettleBatch | undefined {
    const batch = this.#batch;
    this.#batch = undefined;
    this.#open.delete(this);
    return batch;
  }

  #settle(
    op: number,
    first: number | undefined,
    second: boolean | undefined,
    high: number,
    low: number,
    delivery: number,
  ): Promise<void> {
    let batch = this.#batch;
    if (batch === undefined || batch.op !== op || batch.first !== first || batch.second !== second || batch.isFull) {
      try {
        this.#connection.assertOpen();
        // With all that was published before: what an ack lets go of must not be lost while what was made of it is.
        if (batch !== undefined) this.#connection.seal();
      } catch (error) {
        return refusedSettlement(error);
      }
      batch = new SettleBatch(op, first, second);
      this.#batch = batch;
      this.#open.add(this);
      this.#connection.schedule();
    }
    return batch.add(high, low, delivery);
  }
}

/** Settlers kept for use again; those of more queues are made anew. */
const MAX_SETTLERS = 1024;

/** The settlers of a connection. */
export class Settlers implements Gatherer {
  readonly #connection: Connection;
  readonly #byQueue = new Map<string, Settler>();
  readonly #open = new Set<Settler>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The one for a queue; undefined is the queue that the request means by default. */
  of(topic: string, queue: string | undefined): Settler {
    // A name has no control characters, so that the key is unambiguous.
    const key = queue === undefined ? topic : `${topic}\n${queue}`;
    let settler = this.#byQueue.get(key);
    if (settler === undefined) {
      // Messages hold the settlers of their queues: those that are forgotten here go on.
      if (this.#byQueue.size === MAX_SETTLERS) this.#byQueue.clear();
      settler = new Settler(this.#connection, topic, queue, this.#open);
      this.#byQueue.set(key, settler);
    }
    return settler;
  }

  seal(): void {
    for (const settler of this.#open) settler.seal();
  }

  fail(error: RingmqError): void {
    for (const settler of this.#open) settler.fail(error);
  }
}
