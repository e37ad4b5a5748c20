/** Steps over the entries of a batch without reading them. */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";

/** Where the entries after the first `count` begin. */
export const skipEntries = (view: DataView, start: number, count: number): number => {
  let at = start;
  for (let i = 0; i < count; i++) at += WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
  return at;
};
