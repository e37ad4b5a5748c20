/**
 * Messages as a consumer meets them. One is made when it is asked for, and what it tells is read from the bytes then.
 */
import { formatId } from "../../protocol/id.js";
import { Reason, type ReceivedRun, readRuns } from "../../protocol/run.js";
import { readText } from "../../protocol/text.js";
import type { NackOptions, TouchOptions } from "../arguments/options.js";
import { readNack, readTouch } from "../arguments/request-checks.js";
import { INSPECT, type Inspect, inspected, plainHeaders, shownBody } from "../base/inspection.js";
import { type Arrival, Content, nextEntry } from "../messages/content.js";
import { faultError, refusedSettlement } from "./settle-result.js";
import type { Settler } from "./settler.js";

/** Why a dead letter died: it was retried past its topic's limit, it expired, or it was rejected. */
export type DeathReason = "retries" | "expired" | "rejected";

const DEATHS: Readonly<Record<number, DeathReason>> = {
  [Reason.RETRIES]: "retries",
  [Reason.EXPIRED]: "expired",
  [Reason.REJECTED]: "rejected",
};

/** Consecutive messages that share everything but their bytes. */
export class Run implements Arrival {
  #routeKey: string | undefined;

  constructor(
    readonly bytes: Uint8Array,
    readonly view: DataView,
    readonly fields: ReceivedRun,
  ) {}

  get routeKey(): string {
    const { keyStart, keyEnd } = this.fields;
    this.#routeKey ??= readText(this.bytes, keyStart, keyEnd);
    return this.#routeKey;
  }
}

/** A message that is shown, not handed over. */
export class StoredMessage<R extends Run = Run> extends Content {
  constructor(
    protected readonly arrival: R,
    protected readonly index: number,
    at: number,
  ) {
    super(at);
  }

  /** The id, in decimal. */
  get id(): string {
    return formatId(this.arrival.fields.idHigh, this.arrival.fields.idLow + this.index);
  }

  /** How many deliveries of it have ended without an ack. */
  get retry(): number {
    return this.arrival.fields.retry;
  }

  /** The publisher's route key; empty if there was none. */
  get routeKey(): string {
    return this.arrival.routeKey;
  }

  /**
   * Milliseconds since 1970: when the lease ends of a message in flight, when a delayed one is due, when a dead one
   * died; 0 otherwise.
   */
  get time(): number {
    return Math.floor(this.arrival.fields.time);
  }

  /** Why it is a dead letter, or undefined when it is none. */
  get reason(): DeathReason | undefined {
    return DEATHS[this.arrival.fields.reason];
  }

  /** The body is in it as text. */
  toJSON(): object {
    const { id, retry, routeKey, time, reason } = this;
    return { id, retry, routeKey, time, reason, headers: plainHeaders(() => this.headers), body: this.text() };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const { id, retry, routeKey, time, reason } = this;
    const content = { headers: plainHeaders(() => this.headers), body: shownBody(this.body) };
    const name = this instanceof Message ? "Message" : "StoredMessage";
    return inspected(name, { id, retry, routeKey, time, ...(reason && { reason }), ...content }, options, inspect);
  }
}

/** A run that was handed over, and where its messages are settled. */
export class DeliveredRun extends Run {
  /** How many of its messages the program has acked or given back. */
  settled = 0;

  constructor(
    bytes: Uint8Array,
    view: DataView,
    fields: ReceivedRun,
    readonly settler: Settler,
  ) {
    super(bytes, view, fields);
  }

  /** The messages were gone when they were delivered: their topic acks by itself. */
  get isAcked(): boolean {
    return this.fields.delivery === 0;
  }
}

const gone = (id: string): Promise<void> => refusedSettlement(faultError(id, "UNKNOWN_MESSAGE"));

const NO_OPTIONS = {};

/**
 * A message that this program holds until it is settled or its lease ends.
 *
 * Each of `ack`, `nack` and `touch` resolves when the broker has done it and rejects with LEASE_LOST or UNKNOWN_MESSAGE
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
    return Math.floor(this.arrival.fields.time);
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

  /** Gives the message back to the tail of its queue, or makes it a dead letter. */
  nack(options: NackOptions = NO_OPTIONS): Promise<void> {
    const { arrival, index } = this;
    if (arrival.isAcked) return gone(this.id);
    let read = NO_OPTIONS;
    try {
      if (options !== NO_OPTIONS) read = readNack(options);
    } catch (error) {
      return refusedSettlement(error);
    }
    this.settle();
    const { idHigh, idLow, delivery } = arrival.fields;
    return arrival.settler.nack(idHigh, idLow + index, delivery, read);
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

  private settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.arrival.settled++;
  }
}

/** All messages of the runs [start, end) of a frame, shown and not handed over. */
export const storedMessages = (bytes: Uint8Array, view: DataView, start: number, end: number): StoredMessage[] => {
  const messages: StoredMessage[] = [];
  for (const fields of readRuns(view, start, end)) {
    const run = new Run(bytes, view, fields);
    for (let index = 0, at = fields.start; index < fields.count; index++, at = nextEntry(view, at)) {
      messages.push(new StoredMessage(run, index, at));
    }
  }
  return messages;
};
