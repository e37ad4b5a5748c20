/** Which requests a shard has answered. Only frame headers and the receipts of CONFIRM are read. */
import { HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../../protocol/frame.js";
import { Answer } from "../../protocol/op.js";
import { RECEIPT_BYTES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "../../protocol/selection.js";
import type { ConsumerLedger } from "./consumer-ledger.js";
import type { RequestWindow } from "./request-window.js";

/** Clears the requests of the receipts in [start, end). */
const markReceipts = (
  window: RequestWindow,
  ledger: ConsumerLedger,
  view: DataView,
  start: number,
  end: number,
): void => {
  for (let at = start; at < end; at += RECEIPT_BYTES) {
    const first = view.getUint32(at + RECEIPT_REQUEST);
    const past = first + view.getUint32(at + RECEIPT_REQUESTS);
    for (let request = first; request < past; request++) {
      window.clear(request);
      if (ledger.isWaiting) ledger.confirmed(request);
    }
  }
};

/** Clears the requests that the whole frames in [start, end) answer. */
export const markAnswered = (
  window: RequestWindow,
  ledger: ConsumerLedger,
  view: DataView,
  start: number,
  end: number,
): void => {
  let at = start;
  while (at < end) {
    const next = at + LENGTH_BYTES + view.getUint32(at);
    const op = view.getUint8(at + OP);
    if (op === Answer.CONFIRM) {
      markReceipts(window, ledger, view, at + HEAD + view.getUint16(at + HEAD_LENGTH), next);
    } else {
      const request = view.getUint32(at + REQUEST);
      if (op === Answer.CONSUMER_CLOSED) ledger.consumerClosed(request);
      else if (op === Answer.MESSAGES && ledger.isBeginning(request)) {
        // Messages of a consumer carry the number of its CONSUME, and may come before its CONFIRM.
      } else if (request !== 0 && window.clear(request) && ledger.isWaiting) {
        // RESULT is what confirms a SUBSCRIBE with options.
        if (op === Answer.RESULT) ledger.confirmed(request);
        else ledger.refused(request);
      }
    }
    at = next;
  }
};
