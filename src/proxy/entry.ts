/** Messages as entries of docs/protocol.md, in which the ports carry them. */
import { WORD_BYTES } from "../protocol/entry.js";

export const asEntry = (payload: Uint8Array): Buffer => {
  const entry = Buffer.allocUnsafe(WORD_BYTES + payload.length);
  entry.writeUInt32BE(payload.length, 0);
  entry.set(payload, WORD_BYTES);
  return entry;
};

export const payloadOf = (entry: Uint8Array): Uint8Array => entry.subarray(WORD_BYTES);
