/**
 * The heads of requests.
 */
import { packHead } from "../protocol/head.js";
import { localError } from "./error.js";

/** Two bytes of a frame tell how long its head is. */
const MAX_HEAD_BYTES = 0xffff;

/**
 * Encodes the head of a request. Elements at the end that are undefined are left out and have their default, as have
 * those in the middle, which go as nil. Throws BAD_NAME when the names in it are too long for any frame.
 */
export const requestHead = (elements: readonly unknown[]): Uint8Array => {
  let length = elements.length;
  while (length > 0 && elements[length - 1] === undefined) length--;
  const head = packHead(elements.slice(0, length).map((element) => element ?? null));
  if (head.length > MAX_HEAD_BYTES) throw localError("BAD_NAME", `the names take ${head.length} bytes`);
  return head;
};
