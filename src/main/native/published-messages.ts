/** How many messages a request publishes, for limits of users: counted only where there are some. */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { HEAD, LENGTH_BYTES, OP } from "../../protocol/frame.js";
import { HeadCursor, Kind } from "../../protocol/head-cursor.js";
import { Op } from "../../protocol/op.js";

/** Of the head of PUBLISH, before `producer`: topic, route key, delay, ttl. */
const BEFORE_PRODUCER = 4;
const NUMBER_BYTES = 16;
const KEYS_LENGTH_BYTES = 4;

const cursor = new HeadCursor();

/** Of a whole frame of PUBLISH, PUBLISH_CHANNEL or CALL at `start`. One that makes no sense, which will be refused, is one. */
export const publishedMessages = (view: DataView, start: number): number => {
  const word = view.getUint32(start + OP);
  const op = word >>> 24;
  const head = start + HEAD;
  const end = start + LENGTH_BYTES + view.getUint32(start);
  try {
    let at = head + (word & 0xffff);
    if (op === Op.PUBLISH) at = entriesOf(view, head, at);
    let count = 0;
    for (; at + WORD_BYTES <= end; at += WORD_BYTES + (view.getUint32(at) & SIZE_MASK)) count++;
    return Math.max(1, count);
  } catch {
    return 1;
  }
};

/** Where the entries of a PUBLISH begin: behind its numbers and keys. Throws BAD_HEAD or RangeError for what makes no sense. */
export const entriesOf = (view: DataView, head: number, headEnd: number): number => {
  let at = headEnd;
  cursor.begin(view, head, headEnd);
  for (let i = 0; i < BEFORE_PRODUCER; i++) cursor.next();
  cursor.next();
  if (cursor.kind !== Kind.NIL) at += NUMBER_BYTES;
  cursor.next();
  return cursor.kind === Kind.NIL ? at : at + KEYS_LENGTH_BYTES + view.getUint32(at);
};
