/** Payloads of requests that are about one message. */
import { WORD_BYTES } from "../../protocol/entry.js";
import { SELECTION_BYTES, writeSelection } from "../../protocol/selection.js";
import type { Lease } from "./session-options.js";

/** The entries of PUBLISH: one message without headers. */
export const entryOf = (body: Uint8Array): Uint8Array => {
  const entry = new Uint8Array(WORD_BYTES + body.length);
  new DataView(entry.buffer).setUint32(0, body.length);
  entry.set(body, WORD_BYTES);
  return entry;
};

/** The selection of a lease. */
export const selectionOf = ({ idHigh, idLow, delivery }: Lease): Uint8Array => {
  const selection = new Uint8Array(SELECTION_BYTES);
  writeSelection(new DataView(selection.buffer), 0, idHigh, idLow, 1, delivery);
  return selection;
};
