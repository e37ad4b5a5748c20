/**
 * Messages that are given back stand where they stood: at the head of their list, in the order in which they first left it,
 * whoever gives them back in whatever order. So the head of a list is what was given back, by place, and behind it is what
 * has none.
 */
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { Store } from "./store.js";

/** Puts a fragment that is in no list at its place. */
export const putBack = (store: Store, list: ExtentList, part: number): void => {
  const { extents } = store;
  // Near the last one: pieces nearly always come in order, forwards or backwards.
  let after = list.finger;
  while (after !== ext.NONE && isBefore(extents, part, after)) after = extents.get(after, ext.PREVIOUS);
  let next = after === ext.NONE ? list.head : extents.get(after, ext.NEXT);
  while (next !== ext.NONE && isBefore(extents, next, part)) {
    after = next;
    next = extents.get(next, ext.NEXT);
  }
  // Pieces of one fragment may interleave: then they are cut, so that each message is at its place.
  const cut = after === ext.NONE ? ext.NONE : cutBehind(store, after, part);
  const rest = next === ext.NONE ? ext.NONE : cutBehind(store, part, next);
  list.insertAfter(extents, part, after);
  list.finger = part;
  if (cut !== ext.NONE) putBack(store, list, cut);
  if (rest !== ext.NONE) putBack(store, list, rest);
};

/** Cuts off what a piece has behind the first message of another piece of the same fragment; NONE: nothing. */
const cutBehind = (store: Store, piece: number, other: number): number => {
  const { extents, wheel } = store;
  if (extents.places[piece] !== extents.places[other] || extents.places[piece] === 0) return ext.NONE;
  const behind = extents.get(piece, ext.MASK) & ~(lowest(extents, other) - 1);
  if (behind === 0) return ext.NONE;
  const cut = store.split(piece, behind);
  if (wheel.isScheduled(piece)) wheel.schedule(cut, wheel.dueOf(piece));
  return cut;
};

/** Whether a piece stands before another, which may have no place. */
const isBefore = (extents: ext.ExtentTable, piece: number, other: number): boolean => {
  const place = placeOf(extents, piece);
  const otherPlace = placeOf(extents, other);
  if (place !== otherPlace) return place < otherPlace;
  return lowest(extents, piece) >>> 0 < lowest(extents, other) >>> 0;
};

const placeOf = (extents: ext.ExtentTable, piece: number): number => extents.places[piece] || Number.POSITIVE_INFINITY;

/** The first message of a piece, as a bit. */
const lowest = (extents: ext.ExtentTable, piece: number): number => {
  const mask = extents.get(piece, ext.MASK);
  return mask & -mask;
};
