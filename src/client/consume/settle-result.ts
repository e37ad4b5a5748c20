/**
 * What became of messages that were acked, nacked, touched, cancelled, rescheduled or re-driven together.
 */
import { errorName } from "../../protocol/errors.js";
import { formatId } from "../../protocol/id.js";
import type { ReceivedFault } from "../../protocol/selection.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { unobserved } from "../base/deferred.js";
import { localError, type RingmqError, type RingmqErrorCode } from "../base/error.js";
import { PromisedExchange } from "../connection/pending-request.js";

export interface Settlement {
  /** Messages to which it was done. */
  readonly settled: number;
  /** Messages to which it was not done, and why. */
  readonly faults: readonly SettlementFault[];
}

export interface SettlementFault {
  readonly id: string;
  /** `LEASE_LOST`, `UNKNOWN_MESSAGE` or `NOT_DELAYED`. */
  readonly code: RingmqErrorCode;
}

const TEXTS: Partial<Record<RingmqErrorCode, string>> = {
  LEASE_LOST: "its lease has ended or is somebody else's",
  UNKNOWN_MESSAGE: "there is no such message here any more",
  NOT_DELAYED: "it is not delayed",
};

export const faultCode = (code: number): RingmqErrorCode => errorName(code) ?? "UNKNOWN_ERROR";

export const faultError = (id: string, code: RingmqErrorCode): RingmqError =>
  localError(code, `message ${id}: ${TEXTS[code] ?? code}`);

/** A settlement that cannot be sent. A program that does not wait for it need not learn of it either. */
export const refusedSettlement = (error: unknown): Promise<void> => {
  const promise = Promise.reject<void>(asBadArgument(error));
  unobserved(promise);
  return promise;
};

/** Waits for the answer about messages that were named together. */
export class SettleExchange extends PromisedExchange<Settlement> {
  /** Messages that were named: as many can have been refused and no more. Infinity when all were meant. */
  readonly #named: number;

  constructor(named: number) {
    super();
    this.#named = named;
  }

  override confirmed(_high: number, _low: number, settled: number): void {
    this.resolve({ settled, faults: [] });
  }

  override settled(settled: number, received: readonly ReceivedFault[]): void {
    const faults: SettlementFault[] = [];
    for (const fault of received) {
      // Spread out one by one: a broker's word is not taken for how many there are.
      for (let i = 0; i < fault.count && faults.length < this.#named; i++) {
        faults.push({ id: formatId(fault.high, fault.low + i), code: faultCode(fault.code) });
      }
    }
    this.resolve({ settled, faults });
  }
}
