/** Which requests a shard's answers answer. Only headers, and the receipts of CONFIRM, are read. */
import { HEAD, HEAD_LENGTH, LENGTH_BYTES, OP, REQUEST } from "../../protocol/frame.js";
import { Answer } from "../../protocol/op.js";
import { RECEIPT_BYTES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "../../protocol/selection.js";
import type { ConsumerLedger } from "./consumer-ledger.js";
import type { RequestWindow } from "./request-window.js";

/** Marks what the receipts in [start, end) answer. */
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

/** Marks what the whole frames in [start, end) answer as answered. */
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
        // The messages of a consumer carry a number that its CONFIRM answers, whichever comes first.
      } else if (request !== 0 && window.clear(request) && ledger.isWaiting) ledger.refused(request);
    }
    at = next;
  }
};
