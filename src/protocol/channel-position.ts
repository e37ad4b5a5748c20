/**
 * The position in the head of CHANNEL_MESSAGES, read without making anything of the rest: a head comes with as little as
 * one message, for each of many subscribers.
 */
import { unpackHead } from "./head.js";
import { Pack, WORD } from "./msgpack.js";

const SMALL_ARRAY_MASK = 0xf0;
const SMALL_TEXT = 0xa0;
const SMALL_TEXT_MASK = 0xe0;
const SMALL_TEXT_LENGTH = 0x1f;
const TEXT_8 = 0xd9;

/** Of the first message; [start, end) is the head, as the broker writes it. */
export const channelPosition = (bytes: Uint8Array, view: DataView, start: number, end: number): number => {
  const at = afterName(view, start);
  if (at < 0 || view.getUint8(at) !== Pack.UINT64) return unpacked(bytes, start, end);
  return view.getUint32(at + 1) * WORD + view.getUint32(at + 5);
};

/** Where the second element begins; -1: the array or the name is not as short as nearly all are. */
const afterName = (view: DataView, start: number): number => {
  if ((view.getUint8(start) & SMALL_ARRAY_MASK) !== Pack.FIXARRAY) return -1;
  const kind = view.getUint8(start + 1);
  if ((kind & SMALL_TEXT_MASK) === SMALL_TEXT) return start + 2 + (kind & SMALL_TEXT_LENGTH);
  return kind === TEXT_8 ? start + 3 + view.getUint8(start + 2) : -1;
};

const unpacked = (bytes: Uint8Array, start: number, end: number): number => {
  const position = unpackHead(bytes, start, end)[1];
  return typeof position === "number" ? position : 0;
};
