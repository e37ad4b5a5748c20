/**
 * The keys of messages: texts that publishers choose, each of which is that of one message of its topic at a time.
 *
 * A PUBLISH whose head names a key window has them before its entries, one for each; an empty one says that the message has
 * none. `bytes` is the size of the keys without itself:
 *
 * ```
 *  0          4
 *  +----------+---------------------+----
 *  | bytes    | { length u8 | key } | entries
 *  | u32      |                     |
 *  +----------+---------------------+----
 * ```
 *
 * A request that names messages by their keys has such keys for its payload, without `bytes`.
 */
import type { FrameWriter } from "./frame.js";

/** Bytes of a key: UTF-8, which nobody reads but compares. */
export const MAX_KEY_BYTES = 255;

/** What keys begin with in a PUBLISH. */
export const KEYS_BYTES = 4;

/** Where the keys after the first `count` begin, from `start` on; they have been checked. */
export const skipKeys = (view: DataView, start: number, count: number): number => {
  let at = start;
  for (let i = 0; i < count; i++) at += 1 + view.getUint8(at);
  return at;
};

/** The number of keys in [start, end); -1: the last one is cut short. `least`: bytes of the shortest key that counts. */
export const countKeys = (view: DataView, start: number, end: number, least = 0): number => {
  let at = start;
  let count = 0;
  for (; at < end; count++) {
    const length = view.getUint8(at);
    if (length < least) return -1;
    at += 1 + length;
  }
  return at === end ? count : -1;
};

/** Bytes that keys take, behind one another. */
export const sizeOfKeys = (keys: readonly Uint8Array[]): number =>
  keys.reduce((sum, { length }) => sum + 1 + length, 0);

/** Adds a key to those of a frame, which begin at `at`: before the entries that it has already. */
export const insertKey = (frame: FrameWriter, at: number, key: Uint8Array): void => {
  const size = 1 + key.length;
  frame.reserve(size);
  const { bytes, view } = frame;
  const keys = view.getUint32(at);
  const place = at + KEYS_BYTES + keys;
  bytes.copyWithin(place + size, place, frame.end);
  bytes[place] = key.length;
  bytes.set(key, place + 1);
  view.setUint32(at, keys + size);
  frame.end += size;
};

/** Appends keys to the payload of a frame. */
export const appendKeys = (frame: FrameWriter, keys: readonly Uint8Array[]): void => {
  frame.reserve(sizeOfKeys(keys));
  for (const key of keys) {
    frame.bytes[frame.end] = key.length;
    frame.bytes.set(key, frame.end + 1);
    frame.end += 1 + key.length;
  }
};
