/**
 * Heads: the msgpack array at the front of a frame, whose first element routes it.
 *
 * `msgpackr/pack` is the build without native code, so that the client can be bundled for a browser.
 */
import { Packr } from "msgpackr/pack";
import { ProtocolError } from "./errors.js";

/** Plain msgpack: no record extension, maps as objects, so that any msgpack library can speak to the broker. */
const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

export const NO_HEAD = new Uint8Array(0);

/** Encodes a head. The answer is the caller's to keep. */
export const packHead = (head: readonly unknown[]): Uint8Array => new Uint8Array(packr.pack(head));

/** Decodes a head, which an empty one stands for `[]`. */
export const unpackHead = (bytes: Uint8Array, start: number, end: number): readonly unknown[] => {
  if (start === end) return [];
  let head: unknown;
  try {
    // A copy: msgpackr may keep a reference, and it cannot decode strings out of shared memory.
    head = packr.unpack(bytes.slice(start, end));
  } catch {
    throw new ProtocolError("BAD_HEAD", "the head is not msgpack");
  }
  if (!Array.isArray(head)) throw new ProtocolError("BAD_HEAD", "the head is not an array");
  return head;
};
