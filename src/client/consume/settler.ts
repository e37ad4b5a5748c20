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
import { type AckObserver, nackArguments, SettleBatch } from "./settle-batch.js";
import { SettleRequest } from "./settle-request.js";
import { inAll, refusedSettlement, type Settlement } from "./settle-result.js";
import type { Tenure } from "./tenure.js";

/** Holds messages for so many more milliseconds, whoever was delivered them on whatever connection. */
export const touchAll = (
  connection: Connection,
  topic: string,
  queue: string | undefined,
  ttr: number,
  selections: SelectionList,
): Promise<Settlement> => settleSelected(connection, Op.TOUCH, [topic, queue, ttr], selections, selections.messages);

type SendSettlement = (
  op: number,
  head: Uint8Array,
  pending: SettleRequest,
  flags: number,
  payload: Uint8Array,
) => unknown;

/** Sends the selections in as many requests as it takes. `named` is how many messages are named. */
const settleSelected = async (
  connection: Connection,
  op: number,
  args: readonly unknown[],
  selections: SelectionList,
  named: number,
  send: SendSettlement = (op, head, pending, flags, payload) => connection.control(op, head, pending, payload, flags),
): Promise<Settlement> => {
  const head = requestHead(args);
  const answers: Promise<Settlement>[] = [];
  for (let from = 0, to = 0; from < selections.count; from = to) {
    to = selections.requestEnd(from);
    const pending = new SettleRequest(named);
    unobserved(pending.promise);
    const payload = selections.encode(from, to);
    send(op, head, pending, 0, payload);
    answers.push(pending.promise);
  }
  return inAll(await Promise.all(answers));
};

const NO_ARGUMENTS: readonly unknown[] = [];

export class Settler {
  readonly #connection: Connection;
  readonly #topic: string;
  readonly #queue: string | undefined;
  readonly #open: Set<Settler>;
  readonly #tenures: { readonly tenure: Tenure };
  readonly #ackHead: Uint8Array;
  #batch: SettleBatch | undefined;

  /** It is in `open` while it has a batch. */
  constructor(
    connection: Connection,
    topic: string,
    queue: string | undefined,
    open: Set<Settler>,
    tenures: { readonly tenure: Tenure },
  ) {
    this.#connection = connection;
    this.#topic = topic;
    this.#queue = queue;
    this.#open = open;
    this.#tenures = tenures;
    this.#ackHead = requestHead([topic, queue]);
  }

  /** The connection that its messages came on. */
  get connection(): Connection {
    return this.#connection;
  }

  /** That of what is delivered now. */
  get tenure(): Tenure {
    return this.#tenures.tenure;
  }

  ack(high: number, low: number, delivery: number): Promise<void> {
    return this.#settle(Op.ACK, NO_ARGUMENTS, high, low, delivery);
  }

  /** As `ack`: instead of a promise, the observer hears of it. */
  ackObserved(high: number, low: number, delivery: number, observer: AckObserver): void {
    try {
      this.#batchFor(Op.ACK, NO_ARGUMENTS, observer).addObserved(high, low, delivery);
    } catch {
      // The connection has ended, and the lease with it.
      observer.answered(1, 1);
    }
  }

  nack(high: number, low: number, delivery: number, options: ReadNackOptions): Promise<void> {
    return this.#settle(Op.NACK, nackArguments(options), high, low, delivery);
  }

  giveBack(high: number, low: number, delivery: number): Promise<void> {
    return this.#settle(Op.RELEASE, NO_ARGUMENTS, high, low, delivery);
  }

  touch(high: number, low: number, delivery: number, { ttr }: TouchOptions): Promise<void> {
    return this.#settle(Op.TOUCH, [ttr], high, low, delivery);
  }

  /** Settles messages together, after everything that was settled before. `named` is how many are named. */
  settleAll(op: number, args: readonly unknown[], selections: SelectionList, named: number): Promise<Settlement> {
    return settleSelected(this.#connection, op, [this.#topic, this.#queue, ...args], selections, named);
  }

  /** As `settleAll`, of messages that nobody need hold: without a connection it waits for the next one. */
  settleIds(op: number, args: readonly unknown[], selections: SelectionList, named: number): Promise<Settlement> {
    const send: SendSettlement = (...request) => this.#connection.reinstate(...request);
    return settleSelected(this.#connection, op, [this.#topic, this.#queue, ...args], selections, named, send);
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
    let batch: SettleBatch;
    try {
      batch = this.#batchFor(op, args, undefined);
    } catch (error) {
      return refusedSettlement(error);
    }
    return batch.add(high, low, delivery);
  }

  /** The batch for what is settled like this. Throws when the connection has ended. */
  #batchFor(op: number, args: readonly unknown[], observer: AckObserver | undefined): SettleBatch {
    const last = this.#batch;
    if (last !== undefined && last.observer === observer && last.isLike(op, args) && !last.isFull) return last;
    this.#connection.assertConnected();
    // With everything published before: messages made from an acked one must be sent before its ack.
    if (last !== undefined) this.#connection.seal();
    const batch = new SettleBatch(op, args, observer);
    this.#batch = batch;
    this.#open.add(this);
    this.#connection.schedule();
    return batch;
  }
}
