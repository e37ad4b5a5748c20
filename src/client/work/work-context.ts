/**
 * What a handler is given beside its message.
 */
import type { RingmqError } from "../base/error.js";

export class WorkContext {
  /** How many times the message has been handed out, this time included. */
  readonly attempt: number;
  #controller: AbortController | undefined;
  #reason: RingmqError | undefined;

  /** @internal */
  constructor(attempt: number) {
    this.attempt = attempt;
  }

  /**
   * Fires when the handler should end. Its reason is a RingmqError whose code tells why: HANDLER_TIMEOUT (the option
   * `timeout`); LEASE_LOST, UNKNOWN_MESSAGE, NO_QUEUE or NO_TOPIC (the broker has taken the message back, or it is gone);
   * CONNECTION_CLOSED or SHUTTING_DOWN (its connection has ended, and the lease with it); ABORTED (the worker's own signal);
   * CLIENT_CLOSED (the worker or its client was closed). After any but HANDLER_TIMEOUT, ABORTED and CLIENT_CLOSED the message
   * is not this handler's any longer, and nothing becomes of what it returns or throws.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /**
   * Only the first reason counts.
   *
   * @internal
   */
  abort(reason: RingmqError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
