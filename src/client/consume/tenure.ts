/**
 * For as long as a connection lasts, what was delivered on it is held, and can be settled. Then the broker takes it back.
 */
import { deferred } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";

export class Tenure {
  readonly #ended = deferred<RingmqError>();

  /** Resolves when the connection has ended: with CONNECTION_CLOSED, whose cause is the reason if it was not the program. */
  get ended(): Promise<RingmqError> {
    return this.#ended.promise;
  }

  end(error: RingmqError): void {
    this.#ended.resolve(error);
  }
}
