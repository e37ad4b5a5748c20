/**
 * Messages that were settled one by one in the same way, for one frame.
 */
import { formatId } from "../../protocol/id.js";
import { MAX_SELECTED } from "../../protocol/limits.js";
import { readFaults } from "../../protocol/selection.js";
import type { ReadNackOptions } from "../arguments/request-checks.js";
import { deferred, unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { Patience, PendingRequest } from "../connection/pending-request.js";
import { SelectionList } from "./selection-list.js";
import { faultCode, faultError } from "./settle-result.js";

/** 48 KiB of selections. Consecutive messages share one, so this is seldom reached. */
const MAX_SELECTIONS = 3072;

/** Whoever acks messages without a promise for each. */
export interface AckObserver {
  /** So many of its acks have been answered: `late` of them came too late, or nobody knows. */
  answered(messages: number, late: number): void;
}

/** What a NACK says after topic and queue. */
export const nackArguments = ({ delay, retry, reason }: ReadNackOptions): readonly unknown[] => [
  delay,
  retry === false ? true : undefined,
  reason,
];

export class SettleBatch extends PendingRequest {
  readonly selections = new SelectionList();
  readonly #answer = deferred<void>();
  /** The promise of each message, in the order of the selections. */
  readonly #promises: Promise<void>[] = [];
  /** The errors of refused messages, by their position in that order. */
  #refused: ReadonlyMap<number, RingmqError> | undefined;
  #next = 0;

  constructor(
    readonly op: number,
    /** Those after topic and queue. */
    readonly args: readonly unknown[],
    /** Hears of all of its messages, none of which has a promise then. */
    readonly observer: AckObserver | undefined,
  ) {
    super();
  }

  override get patience(): Patience {
    return Patience.ENDLESS;
  }

  /** Whether messages are settled like these. */
  isLike(op: number, args: readonly unknown[]): boolean {
    return op === this.op && args.length === this.args.length && args.every((each, i) => each === this.args[i]);
  }

  get isFull(): boolean {
    return this.selections.count >= MAX_SELECTIONS || this.selections.messages >= MAX_SELECTED;
  }

  /** Adds a message. Reactions to one promise run in the order in which they were added, as in a PublishBatch. */
  add(high: number, low: number, delivery: number): Promise<void> {
    this.selections.add(high, low, delivery);
    const promise = this.#answer.promise.then(this.#outcome);
    this.#promises.push(promise);
    return promise;
  }

  /** As `add`, for one that has an observer. */
  addObserved(high: number, low: number, delivery: number): void {
    this.selections.add(high, low, delivery);
  }

  override confirmed(): void {
    if (this.observer === undefined) this.#answer.resolve();
    else this.observer.answered(this.selections.messages, 0);
  }

  override settled(count: number, view: DataView, start: number, end: number): void {
    if (this.observer !== undefined) {
      const { messages } = this.selections;
      this.observer.answered(messages, Math.max(0, messages - count));
      return;
    }
    const positions = new Map<string, number>();
    for (const id of this.selections.ids()) positions.set(id, positions.size);
    const refused = new Map<number, RingmqError>();
    for (const fault of readFaults(view, start, end)) {
      for (let i = 0; i < fault.count; i++) {
        const id = formatId(fault.high, fault.low + i);
        const position = positions.get(id);
        // The fault names messages that were not in this frame: ignore the rest of it, however long.
        if (position === undefined) break;
        refused.set(position, faultError(id, faultCode(fault.code)));
        this.#ignoreRejection(position);
      }
    }
    this.#refused = refused;
    this.#answer.resolve();
  }

  override failed(error: RingmqError): void {
    if (this.observer !== undefined) {
      const { messages } = this.selections;
      this.observer.answered(messages, messages);
      return;
    }
    for (let position = 0; position < this.#promises.length; position++) this.#ignoreRejection(position);
    this.#answer.reject(error);
  }

  /**
   * A program need not await its acks: a message whose ack came too late is delivered again. Without this the rejection
   * would end such a program as unhandled.
   */
  #ignoreRejection(position: number): void {
    const promise = this.#promises[position];
    if (promise !== undefined) unobserved(promise);
  }

  readonly #outcome = (): void => {
    const error = this.#refused?.get(this.#next++);
    if (error !== undefined) throw error;
  };
}
