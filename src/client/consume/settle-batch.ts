/**
 * Messages that were settled one by one the same way, for one frame.
 */

import { formatId } from "../../protocol/id.js";
import { MAX_SELECTED } from "../../protocol/limits.js";
import type { ReceivedFault } from "../../protocol/selection.js";
import { deferred, unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { Exchange } from "../connection/pending-request.js";
import { Selections } from "./selection-list.js";
import { faultCode, faultError } from "./settle-result.js";

/** Selections of a frame: 48 KiB of them. Consecutive messages share one, so that this is seldom reached. */
const MAX_SELECTIONS = 3072;

export class SettleBatch extends Exchange {
  readonly selections = new Selections();
  readonly #answer = deferred<void>();
  /** What each message's program waits for, in the order of the selections. */
  readonly #promises: Promise<void>[] = [];
  /** Why single messages were refused, by their place in that order. */
  #refused: ReadonlyMap<number, RingmqError> | undefined;
  #next = 0;

  constructor(
    readonly op: number,
    /** What the op takes behind topic and queue. */
    readonly first: number | undefined,
    readonly second: boolean | undefined,
  ) {
    super();
  }

  get isFull(): boolean {
    return this.selections.count >= MAX_SELECTIONS || this.selections.messages >= MAX_SELECTED;
  }

  /** Adds a message. As for publishes, the reactions to one promise run in the order in which they were added. */
  add(high: number, low: number, delivery: number): Promise<void> {
    this.selections.add(high, low, delivery);
    const promise = this.#answer.promise.then(this.#outcome);
    this.#promises.push(promise);
    return promise;
  }

  override confirmed(): void {
    this.#answer.resolve();
  }

  override settled(_count: number, faults: readonly ReceivedFault[]): void {
    const places = new Map<string, number>();
    for (const id of this.selections.ids()) places.set(id, places.size);
    const refused = new Map<number, RingmqError>();
    for (const fault of faults) {
      for (let i = 0; i < fault.count; i++) {
        const id = formatId(fault.high, fault.low + i);
        const place = places.get(id);
        // Of a fault about something else nothing more can be learned, however much it says.
        if (place === undefined) break;
        refused.set(place, faultError(id, faultCode(fault.code)));
        this.#forgive(place);
      }
    }
    this.#refused = refused;
    this.#answer.resolve();
  }

  override failed(error: RingmqError): void {
    for (let place = 0; place < this.#promises.length; place++) this.#forgive(place);
    this.#answer.reject(error);
  }

  /**
   * A program that does not wait for its acks need not learn that one came too late: the message is delivered again.
   * Without this the rejection would end it as unhandled.
   */
  #forgive(place: number): void {
    const promise = this.#promises[place];
    if (promise !== undefined) unobserved(promise);
  }

  readonly #outcome = (): void => {
    const error = this.#refused?.get(this.#next++);
    if (error !== undefined) throw error;
  };
}
