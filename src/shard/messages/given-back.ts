/**
 * Messages that are given back stand where they stood: at their place in line, whoever gives them back in whatever order.
 */
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { Store } from "./store.js";

/** Puts a fragment that is in no list at its place. */
export const putBack = (store: Store, list: ExtentList, part: number): void => {
  const { extents } = store;
  const before = list.insertAtPlace(extents, part);
  // Pieces of one fragment may interleave: then they are cut, so that each message is at its place.
  const next = extents.get(part, ext.NEXT);
  const cut = before === ext.NONE ? ext.NONE : cutBehind(store, before, part);
  const rest = next === ext.NONE ? ext.NONE : cutBehind(store, part, next);
  if (cut !== ext.NONE) putBack(store, list, cut);
  if (rest !== ext.NONE) putBack(store, list, rest);
};

/** Puts a fragment that is behind another piece of its batch, and has messages between that one's, at its place among them. */
export const putBetween = (store: Store, list: ExtentList, part: number): void => {
  const { extents } = store;
  const before = extents.get(part, ext.PREVIOUS);
  if (before === ext.NONE || extents.block(before) !== extents.block(part)) return;
  const isOfItsBatch = [ext.PAGE, ext.RECORD].every((word) => extents.get(before, word) === extents.get(part, word));
  if (!isOfItsBatch || extents.behind(before, part) === 0) return;
  list.remove(extents, part);
  extents.places[part] = extents.places[before] as number;
  putBack(store, list, part);
};

/** Cuts off what a piece has behind the first message of another piece of the same block; NONE: nothing. */
const cutBehind = (store: Store, piece: number, other: number): number => {
  const { extents, wheel } = store;
  if (extents.places[piece] !== extents.places[other] || extents.block(piece) !== extents.block(other)) return ext.NONE;
  const behind = extents.behind(piece, other);
  if (behind === 0) return ext.NONE;
  const cut = store.split(piece, behind);
  if (wheel.isScheduled(piece)) wheel.schedule(cut, wheel.dueOf(piece));
  return cut;
};
