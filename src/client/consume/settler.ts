/**
 * Settles the messages of one queue. What is settled the same way in one turn of the event loop is sent in one frame. A
 * message that is settled in another way ends that frame, so that the broker sees the calls in their order.
 */
import { Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import type { TouchOptions } from "../arguments/options.js";
import type { ReadNackOptions } from "../arguments/request-checks.js";
import { unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import type { Connection } from "../connection/connection.js";
import { requestHead } from "../connection/request-head.js";
import type { SelectionList } from "./selection-list.js";
import { nackArguments, SettleBatch } from "./settle-batch.js";
import { SettleRequest } from "./settle-request.js";
import { refusedSettlement, type Settlement } from "./settle-result.js";

const NO_ARGUMENTS: readonly unknown[] = [];

export class Settler {
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #queue: string | undefined;
  readonly #open: Set<Settler>;
  readonly #ackHead: Uint8Array;
  #batch: SettleBatch | undefined;

  /** It is in `open` while it has a batch. */
  constructor(connection: Connection, topic: string, queue: string | undefined, open: Set<Settler>) {
    this.#connection = connection;
    this.#topic = topic;
    this.#queue = queue;
    this.#open = open;
    this.#ackHead = requestHead([topic, queue]);
  }

  ack(high: number, low: number, delivery: number): Promise<void> {
    return this.#settle(Op.ACK, NO_ARGUMENTS, high, low, delivery);
  }

  nack(high: number, low: number, delivery: number, options: ReadNackOptions): Promise<void> {
    return this.#settle(Op.NACK, nackArguments(options), high, low, delivery);
  }

  touch(high: number, low: number, delivery: number, { ttr }: TouchOptions): Promise<void> {
    return this.#settle(Op.TOUCH, [ttr], high, low, delivery);
  }

  /** Settles messages together, after everything that was settled before. `named` is how many are named. */
  settleAll(op: number, args: readonly unknown[], selections: SelectionList, named: number): Promise<Settlement> {
    return this.#settleAll(args, selections, named, (head, pending, payload) =>
      this.#connection.control(op, head, pending, payload),
    );
  }

  /** As `settleAll`, of messages that nobody need hold: without a connection it waits for the next one. */
  settleIds(op: number, args: readonly unknown[], selections: SelectionList, named: number): Promise<Settlement> {
    return this.#settleAll(args, selections, named, (head, pending, payload) =>
      this.#connection.reinstate(op, head, pending, 0, payload),
    );
  }

  async #settleAll(
    args: readonly unknown[],
    selections: SelectionList,
    named: number,
    send: (head: Uint8Array, pending: SettleRequest, payload: Uint8Array) => void,
  ): Promise<Settlement> {
    const head = requestHead([this.#topic, this.#queue, ...args]);
    const answers: Promise<Settlement>[] = [];
    for (let from = 0, to = 0; from < selections.count; from = to) {
      to = selections.requestEnd(from);
      const pending = new SettleRequest(named);
      unobserved(pending.promise);
      const payload = selections.encode(from, to);
      send(head, pending, payload);
      answers.push(pending.promise);
    }
    const settlements = await Promise.all(answers);
    return {
      settled: settlements.reduce((sum, { settled }) => sum + settled, 0),
      faults: settlements.flatMap(({ faults }) => faults),
    };
  }

  /** Gives back messages that no program was handed. If the connection has ended, the broker has taken them back. */
  release(selections: SelectionList): void {
    unobserved(this.settleAll(Op.RELEASE, [], selections, selections.messages));
  }

  seal(): void {
    const batch = this.#close();
    if (batch === undefined) return;
    const { op, args, selections } = batch;
    try {
      const head = op === Op.ACK ? this.#ackHead : requestHead([this.#topic, this.#queue, ...args]);
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

  #settle(op: number, args: readonly unknown[], high: number, low: number, delivery: number): Promise<void> {
    let batch = this.#batch;
    if (batch === undefined || batch.isFull || !batch.isLike(op, args)) {
      try {
        this.#connection.assertConnected();
        // With everything published before: messages made from an acked one must be sent before its ack.
        if (batch !== undefined) this.#connection.seal();
      } catch (error) {
        return refusedSettlement(error);
      }
      batch = new SettleBatch(op, args);
      this.#batch = batch;
      this.#open.add(this);
      this.#connection.schedule();
    }
    return batch.add(high, low, delivery);
  }
}
