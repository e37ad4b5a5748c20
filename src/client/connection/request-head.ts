/**
 * The heads of requests.
 */
import { packHead } from "../../protocol/head.js";
import { reasonOf } from "../arguments/argument-checks.js";
import { localError } from "../base/error.js";

/** Two bytes of a frame tell how long its head is. */
const MAX_HEAD_BYTES = 0xffff;

/**
 * Encodes the head of a request. Elements at the end that are undefined are left out and have their default, as have
 * those in the middle, which go as nil. Throws BAD_ARGUMENT for what no head can hold, which is `suspect`.
 */
export const requestHead = (elements: readonly unknown[], suspect = "an argument"): Uint8Array => {
  let length = elements.length;
  while (length > 0 && elements[length - 1] === undefined) length--;
  const head = packed(
    elements.slice(0, length).map((element) => element ?? null),
    suspect,
  );
  if (head.length > MAX_HEAD_BYTES) {
    throw localError("BAD_ARGUMENT", `the arguments take ${head.length} bytes, of ${MAX_HEAD_BYTES} at most`);
  }
  return head;
};

const packed = (elements: readonly unknown[], suspect: string): Uint8Array => {
  try {
    return packHead(elements);
  } catch (error) {
    throw localError("BAD_ARGUMENT", `${suspect} cannot be sent: ${reasonOf(error)}`, error);
  }
};
