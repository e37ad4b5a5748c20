/**
 * What a connection needs that outlives its transports.
 */
import type { RingmqError } from "../base/error.js";

/** Sees to it that another transport comes when one was lost. */
export interface Revival {
  /** It was lost: `Connection.reopen` is to be called, or `Connection.giveUp`. */
  lost(reason: RingmqError): void;
  /** The connection has ended for good. */
  stop(): void;
}
