/**
 * Reads the receipts among the answers to a raw load.
 */
import { unpackHead } from "#protocol/head.js";
import { Answer, Op } from "#protocol/op.js";
import { RECEIPT_BYTES, RECEIPT_MESSAGES, RECEIPT_REQUEST, RECEIPT_REQUESTS } from "#protocol/selection.js";
import type { OnAnswer } from "./answer-scanner.js";

/** Takes a receipt for `requests` requests from `request` on, with `messages` messages in total. */
export type OnReceipt = (request: number, requests: number, messages: number) => void;

const headOf = (view: DataView, start: number, headBytes: number): readonly unknown[] =>
  unpackHead(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), start, start + headBytes);

/**
 * Passes receipts on. Every other answer but HELLO ends the load: it is an error or was not requested. So does a confirm
 * with less than `durability`, because the figures would stand for a promise that was not made.
 */
export const receipts =
  (onReceipt: OnReceipt, durability = 0): OnAnswer =>
  ({ op, flags, request, headBytes }, view, start, end) => {
    if (op === Answer.CONFIRM) {
      if (flags < durability) throw new Error(`confirmed with durability ${flags}, not ${durability}`);
      for (let at = start + headBytes; at < end; at += RECEIPT_BYTES) {
        onReceipt(
          view.getUint32(at + RECEIPT_REQUEST),
          view.getUint32(at + RECEIPT_REQUESTS),
          view.getUint32(at + RECEIPT_MESSAGES),
        );
      }
    } else if (op !== Op.HELLO) {
      const head = JSON.stringify(headOf(view, start, headBytes));
      throw new Error(`the broker answered request ${request} with op 0x${op.toString(16)} ${head}`);
    }
  };
