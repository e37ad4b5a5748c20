/**
 * The heads of requests.
 */
import { packHead } from "../../protocol/head.js";
import { reasonOf } from "../arguments/argument-checks.js";
import { localError } from "../base/error.js";

/** A frame has two bytes for the length of its head. */
const MAX_HEAD_BYTES = 0xffff;

/**
 * Encodes the head of a request. An element that is undefined has its default: at the end it is left out, elsewhere it
 * is nil. Throws BAD_ARGUMENT for what cannot be encoded; the text names it `what`.
 */
export const requestHead = (elements: readonly unknown[], what = "an argument"): Uint8Array => {
  let length = elements.length;
  while (length > 0 && elements[length - 1] === undefined) length--;
  const head = packed(elements.slice(0, length), what);
  if (head.length > MAX_HEAD_BYTES) {
    throw localError("BAD_ARGUMENT", `the arguments take ${head.length} bytes, of ${MAX_HEAD_BYTES} at most`);
  }
  return head;
};

const packed = (elements: readonly unknown[], what: string): Uint8Array => {
  try {
    return packHead(elements);
  } catch (error) {
    throw localError("BAD_ARGUMENT", `${what} cannot be sent: ${reasonOf(error)}`, error);
  }
};
