/**
 * What batches the requests of one turn of the event loop.
 */
import type { RingmqError } from "../base/error.js";

export interface Batcher {
  /** Ends the batches and sends them. */
  seal(): void;
  /** The connection was lost, and another one is made: what concerns the lost one alone is dropped. */
  lost(error: RingmqError): void;
  /** The connection has ended: the batches cannot be sent. */
  fail(error: RingmqError): void;
}
