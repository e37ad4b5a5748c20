/** Extents for the batch that the log has just appended. They are in no list yet. */
import * as ext from "./extent.js";
import type { Store } from "./store.js";

/** The queue that they are of. */
interface Owner {
  readonly number: number;
  readonly store: Store;
}

/** `count` messages whose entries are at `offset` and have so many bytes. */
export const newExtent = (
  { store, number }: Owner,
  idHigh: number,
  idLow: number,
  count: number,
  offset: number,
  bytes: number,
): number => {
  const { extents, log } = store;
  const extent = extents.allocate();
  extents.set(extent, ext.ID_HIGH, idHigh);
  extents.set(extent, ext.ID_LOW, idLow);
  extents.set(extent, ext.SPAN, count);
  extents.set(extent, ext.PAGE, log.page);
  extents.set(extent, ext.OFFSET, offset);
  extents.set(extent, ext.BYTES, bytes);
  extents.set(extent, ext.RECORD, log.recordOffset);
  extents.set(extent, ext.QUEUE, number);
  return extent;
};

/** A fragment: those in `mask` of `span` messages of one block. `expiry`: 0 for none. */
export const newFragment = (
  queue: Owner,
  idHigh: number,
  idLow: number,
  span: number,
  mask: number,
  offset: number,
  bytes: number,
  expiry: number,
): number => {
  const { extents, index } = queue.store;
  const part = newExtent(queue, idHigh, idLow, span, offset, bytes);
  extents.set(part, ext.MASK, mask);
  extents.times[part] = expiry;
  index.add(part);
  return part;
};
