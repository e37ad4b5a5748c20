/** A CONFIRM may answer many requests at once. Front ends are shown one for each of them. */
import { FLAGS, HEAD, HEAD_LENGTH, LENGTH, LENGTH_BYTES, OP } from "../../protocol/frame.js";
import { Answer } from "../../protocol/op.js";
import {
  RECEIPT_BYTES,
  RECEIPT_ID_HIGH,
  RECEIPT_ID_LOW,
  RECEIPT_MESSAGES,
  RECEIPT_REQUEST,
  RECEIPT_REQUESTS,
} from "../../protocol/selection.js";

/** The CONFIRM of one request: written anew for each. */
const bytes = new Uint8Array(HEAD + RECEIPT_BYTES);
const single = new DataView(bytes.buffer);
single.setUint32(LENGTH, bytes.length - LENGTH_BYTES);
single.setUint8(OP, Answer.CONFIRM);
single.setUint32(HEAD + RECEIPT_REQUESTS, 1);

/** Where receipts go. */
export interface ReceiptTaker {
  take(request: number, bytes: Uint8Array, view: DataView, start: number, end: number): unknown;
}

/** Hands on a receipt for each request that the CONFIRM in [start, end) answers. The frame is good until it returns. */
export const splitReceipts = (view: DataView, start: number, end: number, taker: ReceiptTaker): void => {
  const flags = view.getUint8(start + FLAGS);
  for (let at = start + HEAD + view.getUint16(start + HEAD_LENGTH); at < end; at += RECEIPT_BYTES) {
    const first = view.getUint32(at + RECEIPT_REQUEST);
    const requests = view.getUint32(at + RECEIPT_REQUESTS);
    const high = view.getUint32(at + RECEIPT_ID_HIGH);
    const low = view.getUint32(at + RECEIPT_ID_LOW);
    const messages = view.getUint32(at + RECEIPT_MESSAGES) / requests;
    // With several requests each of them published one message, or none has an id.
    const step = high === 0 && low === 0 ? 0 : 1;
    for (let i = 0; i < requests; i++) {
      // All of it each time: a handler may have led to another CONFIRM.
      single.setUint8(FLAGS, flags);
      single.setUint32(HEAD + RECEIPT_REQUEST, first + i);
      single.setUint32(HEAD + RECEIPT_ID_HIGH, high);
      // Ids of one receipt are of one millisecond: the high word is the same.
      single.setUint32(HEAD + RECEIPT_ID_LOW, low + i * step);
      single.setUint32(HEAD + RECEIPT_MESSAGES, messages);
      taker.take(first + i, bytes, single, 0, bytes.length);
    }
  }
};
