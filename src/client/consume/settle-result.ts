/**
 * The result of settling messages together, and the errors of single ones.
 */
import { errorName } from "../../protocol/errors.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { unobserved } from "../base/deferred.js";
import { localError, type RingmqError, type RingmqErrorCode } from "../base/error.js";

export interface Settlement {
  /** Messages to which it was done. */
  readonly settled: number;
  /** Messages to which it was not done, and why. */
  readonly faults: readonly SettlementFault[];
}

export interface SettlementFault {
  /** Empty where the message was named by its key. */
  readonly id: string;
  readonly key?: string;
  /**
   * `LEASE_LOST`, `UNKNOWN_MESSAGE`, `NOT_DELAYED` or `MESSAGE_IN_FLIGHT`; of a client of several nodes, also why one that may have
   * the message could not be asked.
   */
  readonly code: RingmqErrorCode;
}

/** What several requests have done together. */
export const inAll = (settlements: readonly Settlement[]): Settlement => ({
  settled: settlements.reduce((sum, { settled }) => sum + settled, 0),
  faults: settlements.flatMap(({ faults }) => faults),
});

const TEXTS: Partial<Record<RingmqErrorCode, string>> = {
  LEASE_LOST: "its lease has ended or is somebody else's",
  UNKNOWN_MESSAGE: "there is no such message here any more",
  NOT_DELAYED: "it is not delayed",
};

export const faultCode = (code: number): RingmqErrorCode => errorName(code) ?? "UNKNOWN_ERROR";

export const faultError = (id: string, code: RingmqErrorCode): RingmqError =>
  localError(code, `message ${id}: ${TEXTS[code] ?? code}`);

/** The promise of an ack, nack or touch that cannot be sent. A program need not await it. */
export const refusedSettlement = (error: unknown): Promise<void> => {
  const promise = Promise.reject<void>(asBadArgument(error));
  unobserved(promise);
  return promise;
};
