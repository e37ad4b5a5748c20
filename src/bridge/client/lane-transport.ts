/** A transport of the client: a lane of the bridge to the main thread. */

import type { Transport, TransportEvents } from "../../client/connection/transport.js";
import type { Lane, LaneOwner } from "../bridge.js";

/** Bytes that may be on their way to the main thread, of one connection. */
const MAX_UNSETTLED_BYTES = 1024 * 1024;

const CUT_OFF = "the broker has cut the connection off";

export class LaneTransport implements Transport, LaneOwner {
  readonly #lane: Lane;
  readonly #events: TransportEvents;
  #isCongested = false;
  #isGone = false;
  readonly #kept: () => number;

  /**
   * `kept` counts the received bytes that have been put aside so far. They are dealt with when `settle` says so; what is not
   * put aside, as soon as it has come.
   */
  constructor(lane: Lane, events: TransportEvents, kept: () => number) {
    this.#lane = lane;
    this.#events = events;
    this.#kept = kept;
    lane.owner = this;
  }

  /** So many more of the bytes that were put aside are dealt with. */
  settle(bytes: number): void {
    this.#lane.done(bytes);
  }

  send(bytes: Uint8Array): boolean {
    this.#lane.send(bytes);
    this.#isCongested = this.#lane.unsettled > MAX_UNSETTLED_BYTES;
    return !this.#isCongested;
  }

  end(): void {
    this.#lane.end();
  }

  destroy(): void {
    this.#lane.reset();
    // As with a socket: whoever destroys it is not called before that returns.
    queueMicrotask(() => this.#gone(undefined));
  }

  received(bytes: Uint8Array): void {
    const before = this.#kept();
    this.#events.received(bytes);
    this.#lane.done(bytes.length - (this.#kept() - before));
  }

  progressed(): void {
    if (!this.#isCongested || this.#lane.unsettled > MAX_UNSETTLED_BYTES / 2) return;
    this.#isCongested = false;
    this.#events.drained();
  }

  ended(isReset: boolean): void {
    this.#gone(isReset ? new Error(CUT_OFF) : undefined);
  }

  #gone(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#events.ended(error);
  }
}
