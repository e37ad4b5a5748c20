/**
 * A message that was delivered and can be settled.
 */
import type { NackOptions, TouchOptions } from "../arguments/options.js";
import { type ReadNackOptions, readNack, readTouch } from "../arguments/request-checks.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import type { DeliveredRun } from "./run.js";
import type { AckObserver } from "./settle-batch.js";
import { faultError, refusedSettlement } from "./settle-result.js";
import { inspectedProperties, StoredMessage } from "./stored-message.js";

const gone = (id: string): Promise<void> => refusedSettlement(faultError(id, "UNKNOWN_MESSAGE"));

const NO_OPTIONS = {};

/**
 * A message that this program holds until it is settled or its lease ends.
 *
 * Each of `ack`, `nack`, `release` and `touch` resolves when the broker has done it and rejects with LEASE_LOST or UNKNOWN_MESSAGE
 * when it could not, or with CONNECTION_CLOSED. A program need not wait: an unheeded rejection does not end it, because
 * a message whose ack is lost is delivered again.
 */
export class Message extends StoredMessage<DeliveredRun> {
  private isSettled = false;

  /** It was gone when it was delivered: its topic acks by itself. */
  get isAcked(): boolean {
    return this.arrival.isAcked;
  }

  /** When the lease ends: milliseconds since 1970. 0 on a topic that acks by itself. */
  get deadline(): number {
    return this.arrival.isAcked ? 0 : Math.floor(this.arrival.fields.time);
  }

  /**
   * The program has neither acked it nor given it back.
   *
   * @internal
   */
  get isHeld(): boolean {
    return !this.isSettled && !this.arrival.isAcked;
  }

  /** The message is done with. On a topic that acks by itself it resolves at once. */
  ack(): Promise<void> {
    const { arrival, index } = this;
    if (arrival.isAcked) return Promise.resolve();
    this.settle();
    const { idHigh, idLow, delivery } = arrival.fields;
    return arrival.settler.ack(idHigh, idLow + index, delivery);
  }

  /**
   * As `ack`, of a message with a lease: instead of a promise, the observer hears of it.
   *
   * @internal
   */
  ackObserved(observer: AckObserver): void {
    const { arrival, index } = this;
    this.settle();
    const { idHigh, idLow, delivery } = arrival.fields;
    arrival.settler.ackObserved(idHigh, idLow + index, delivery, observer);
  }

  /**
   * What came with it, and where it is therein.
   *
   * @internal
   */
  get delivered(): DeliveredRun {
    return this.arrival;
  }

  /** @internal */
  get place(): number {
    return this.index;
  }

  /** Gives the message back to the tail of its queue, or makes it a dead letter. */
  nack(options: NackOptions = NO_OPTIONS): Promise<void> {
    const { arrival, index } = this;
    if (arrival.isAcked) return gone(this.id);
    let read: ReadNackOptions = NO_OPTIONS;
    try {
      if (options !== NO_OPTIONS) read = readNack(options);
    } catch (error) {
      return refusedSettlement(error);
    }
    this.settle();
    const { idHigh, idLow, delivery } = arrival.fields;
    return arrival.settler.nack(idHigh, idLow + index, delivery, read);
  }

  /**
   * Gives the message back to where it was in its queue, for others: it counts for no retry. For a program that has done nothing with it.
   */
  release(): Promise<void> {
    const { arrival, index } = this;
    if (arrival.isAcked) return gone(this.id);
    this.settle();
    const { idHigh, idLow, delivery } = arrival.fields;
    return arrival.settler.giveBack(idHigh, idLow + index, delivery);
  }

  /** Holds the message for longer. `deadline` stays what it was on delivery. */
  touch(options: TouchOptions = NO_OPTIONS): Promise<void> {
    const { arrival, index } = this;
    if (arrival.isAcked) return gone(this.id);
    let read = NO_OPTIONS;
    try {
      if (options !== NO_OPTIONS) read = readTouch(options);
    } catch (error) {
      return refusedSettlement(error);
    }
    const { idHigh, idLow, delivery } = arrival.fields;
    return arrival.settler.touch(idHigh, idLow + index, delivery, read);
  }

  override [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Message", inspectedProperties(this), options, inspect);
  }

  private settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.arrival.settled++;
  }
}
