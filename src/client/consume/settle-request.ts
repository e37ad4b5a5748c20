/**
 * A request that settles messages together.
 */
import { formatId } from "../../protocol/id.js";
import { readFaults } from "../../protocol/selection.js";
import { PromisedRequest } from "../connection/pending-request.js";
import { faultCode, type Settlement, type SettlementFault } from "./settle-result.js";

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

  override settled(settled: number, view: DataView, start: number, end: number): void {
    const faults: SettlementFault[] = [];
    for (const fault of readFaults(view, start, end)) {
      // A broker may claim any count: it is not trusted for how many faults to list.
      for (let i = 0; i < fault.count && faults.length < this.#named; i++) {
        faults.push({ id: formatId(fault.high, fault.low + i), code: faultCode(fault.code) });
      }
    }
    this.resolve({ settled, faults });
  }
}
