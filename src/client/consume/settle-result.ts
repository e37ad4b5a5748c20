/**
 * The result of settling messages together, and the errors of single ones.
 */
import { errorName } from "../../protocol/errors.js";
import { formatId } from "../../protocol/id.js";
import type { ReceivedFault } from "../../protocol/selection.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { unobserved } from "../base/deferred.js";
import { localError, type RingmqError, type RingmqErrorCode } from "../base/error.js";
import { PromisedRequest } from "../connection/pending-request.js";

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

/** The promise of an ack, nack or touch that cannot be sent. A program need not await it. */
export const refusedSettlement = (error: unknown): Promise<void> => {
  const promise = Promise.reject<void>(asBadArgument(error));
  unobserved(promise);
  return promise;
};

/** ACK, NACK, TOUCH, CANCEL, RESCHEDULE or REDRIVE of messages that are named together. */
export class SettleRequest extends PromisedRequest<Settlement> {
  /** How many messages were named, which bounds the faults. 0 when none was named because all are meant. */
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
      // A broker may claim any count: it is not trusted for how many faults to list.
      for (let i = 0; i < fault.count && faults.length < this.#named; i++) {
        faults.push({ id: formatId(fault.high, fault.low + i), code: faultCode(fault.code) });
      }
    }
    this.resolve({ settled, faults });
  }
}
