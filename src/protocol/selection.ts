/**
 * Selections: the messages that a request is about. Faults: those it could not settle. Receipts: the content of a
 * CONFIRM. Each is an array of fixed-size records.
 *
 * ```
 *  selection   0 first id u64 | 8 count u32 | 12 delivery u32                    16 bytes
 *  fault       0 first id u64 | 8 count u32 | 12 code u16 | 14 zero u16          16 bytes
 *  receipt     0 request u32 | 4 requests u32 | 8 first id u64 | 16 messages u32 20 bytes
 * ```
 */
import { ProtocolError } from "./errors.js";
import { SEQUENCES } from "./id.js";

export const SELECTION_BYTES = 16;
export const FIRST_ID_HIGH = 0;
export const FIRST_ID_LOW = 4;
export const COUNT = 8;
/** In a selection: the number of the delivery that handed the messages out, or 0 for any. */
export const DELIVERY = 12;

export const FAULT_BYTES = 16;
/** In a fault: the error code. */
export const CODE = 12;

export const RECEIPT_BYTES = 20;
export const RECEIPT_REQUEST = 0;
export const RECEIPT_REQUESTS = 4;
export const RECEIPT_ID_HIGH = 8;
export const RECEIPT_ID_LOW = 12;
export const RECEIPT_MESSAGES = 16;

/** Messages in one selection: the ids of a millisecond. */
export const MAX_SELECTION = SEQUENCES;

export const writeSelection = (
  view: DataView,
  at: number,
  high: number,
  low: number,
  count: number,
  delivery: number,
): void => {
  view.setUint32(at + FIRST_ID_HIGH, high);
  view.setUint32(at + FIRST_ID_LOW, low);
  view.setUint32(at + COUNT, count);
  view.setUint32(at + DELIVERY, delivery);
};

/** A fault as it was received. */
export interface ReceivedFault {
  readonly high: number;
  readonly low: number;
  readonly count: number;
  /** An error code. */
  readonly code: number;
}

/** Reads the faults in [start, end). Throws BAD_FRAME when the bytes are not whole records. */
export const readFaults = (view: DataView, start: number, end: number): ReceivedFault[] => {
  if ((end - start) % FAULT_BYTES !== 0) throw new ProtocolError("BAD_FRAME", "a fault is cut short");
  const faults: ReceivedFault[] = [];
  for (let at = start; at < end; at += FAULT_BYTES) {
    faults.push({
      high: view.getUint32(at + FIRST_ID_HIGH),
      low: view.getUint32(at + FIRST_ID_LOW),
      count: view.getUint32(at + COUNT),
      code: view.getUint16(at + CODE),
    });
  }
  return faults;
};

/** A receipt as it was received. */
export interface ReceivedReceipt {
  readonly request: number;
  readonly requests: number;
  readonly high: number;
  readonly low: number;
  readonly messages: number;
}

/** Reads the receipts in [start, end). Throws BAD_FRAME when the bytes are not whole records or answer nothing. */
export const readReceipts = (view: DataView, start: number, end: number): ReceivedReceipt[] => {
  if (start === end || (end - start) % RECEIPT_BYTES !== 0) {
    throw new ProtocolError("BAD_FRAME", "a receipt is cut short");
  }
  const receipts: ReceivedReceipt[] = [];
  for (let at = start; at < end; at += RECEIPT_BYTES) {
    const requests = view.getUint32(at + RECEIPT_REQUESTS);
    if (requests === 0) throw new ProtocolError("BAD_FRAME", "a receipt answers no request");
    receipts.push({
      request: view.getUint32(at + RECEIPT_REQUEST),
      requests,
      high: view.getUint32(at + RECEIPT_ID_HIGH),
      low: view.getUint32(at + RECEIPT_ID_LOW),
      messages: view.getUint32(at + RECEIPT_MESSAGES),
    });
  }
  return receipts;
};
