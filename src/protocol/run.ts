/**
 * A run: consecutive messages that share everything but their bytes. The payload of MESSAGES is runs.
 *
 * ```
 *  0            8         12        16          20       22       23       24           32        32+k
 *  +------------+---------+---------+-----------+--------+--------+--------+------------+---------+---------+
 *  | first id   | count   | bytes   | delivery  | retry  | reason | k u8   | time       | route   | entries |
 *  | u64        | u32     | u32     | u32       | u16    | u8     |        | f64        | key: k  | bytes   |
 *  +------------+---------+---------+-----------+--------+--------+--------+------------+---------+---------+
 * ```
 *
 * Bit 7 of `reason` (`HAS_FAILURES`), in answers to those who ask for it: between the route key and the entries are the
 * failures that the messages have had, as failure.ts lays them out, behind their length (u16).
 */

import { countEntries, SIZE_MASK } from "./entry.js";
import { ProtocolError } from "./errors.js";
import { MAX_NAME_BYTES } from "./limits.js";

export const FIRST_ID_HIGH = 0;
export const FIRST_ID_LOW = 4;
export const COUNT = 8;
export const BYTES = 12;
export const DELIVERY = 16;
export const RETRY = 20;
export const REASON = 22;
/** In the byte of `REASON`. */
export const HAS_FAILURES = 0x80;
export const KEY_LENGTH = 23;
/** When the lease ends, the delay is due, or the message died: milliseconds since 1970, or 0. */
export const TIME = 24;
export const KEY = 32;
/** The length of the failures. */
export const FAILURES_LENGTH_BYTES = 2;

/** Messages in one MESSAGES frame: each may be a run of its own. */
const MAX_FETCH = 8192;

/**
 * What one MESSAGES frame may gather: entries up to half of the largest frame, and no more messages than the headers of
 * their runs fit into the other half. A single message may be larger: a frame has room for the largest one.
 */
export const roomOf = (maxFrameBytes: number): { readonly messages: number; readonly bytes: number } => {
  const half = Math.max(1, Math.floor(maxFrameBytes / 2));
  return { messages: Math.max(1, Math.min(MAX_FETCH, Math.floor(half / (KEY + MAX_NAME_BYTES)))), bytes: half };
};

/** Why a message became a dead letter. */
export const Reason = { ALIVE: 0, RETRIES: 1, EXPIRED: 2, REJECTED: 3, TOO_OLD: 4 } as const;

/** The same in words. */
export const DEATHS: Readonly<Record<number, string>> = {
  [Reason.RETRIES]: "retries",
  [Reason.EXPIRED]: "expired",
  [Reason.REJECTED]: "rejected",
  [Reason.TOO_OLD]: "too old",
};

/** A run as it was received. The ranges point into the frame. */
export interface ReceivedRun {
  readonly idHigh: number;
  readonly idLow: number;
  readonly count: number;
  readonly delivery: number;
  readonly retry: number;
  /** A `Reason`. */
  readonly reason: number;
  readonly time: number;
  /** The publisher's route key as UTF-8: [keyStart, keyEnd). */
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Their failures, as failure.ts lays them out: [failuresStart, start). The two are equal if there are none. */
  readonly failuresStart: number;
  /** The entries: [start, end). They have been checked: there are `count` of them, all whole. */
  readonly start: number;
  readonly end: number;
}

/** Reads the runs in [start, end). Throws BAD_FRAME when they do not have the layout above. */
export const readRuns = (view: DataView, start: number, end: number): ReceivedRun[] => {
  const runs: ReceivedRun[] = [];
  let at = start;
  while (at < end) {
    if (end - at < KEY) throw new ProtocolError("BAD_FRAME", "a run is cut short");
    const count = view.getUint32(at + COUNT);
    const keyStart = at + KEY;
    const keyEnd = keyStart + view.getUint8(at + KEY_LENGTH);
    const hasFailures = (view.getUint8(at + REASON) & HAS_FAILURES) !== 0;
    if (hasFailures && keyEnd + FAILURES_LENGTH_BYTES > end) throw new ProtocolError("BAD_FRAME", "a run is cut short");
    const failuresStart = hasFailures ? keyEnd + FAILURES_LENGTH_BYTES : keyEnd;
    const entriesStart = hasFailures ? failuresStart + view.getUint16(keyEnd) : keyEnd;
    const entriesEnd = entriesStart + view.getUint32(at + BYTES);
    if (entriesEnd > end) throw new ProtocolError("BAD_FRAME", "a run is cut short");
    if (count === 0 || countEntries(view, entriesStart, entriesEnd, SIZE_MASK, count) !== count) {
      throw new ProtocolError("BAD_FRAME", "the entries of a run are not what it says");
    }
    runs.push({
      idHigh: view.getUint32(at + FIRST_ID_HIGH),
      idLow: view.getUint32(at + FIRST_ID_LOW),
      count,
      delivery: view.getUint32(at + DELIVERY),
      retry: view.getUint16(at + RETRY),
      reason: view.getUint8(at + REASON) & ~HAS_FAILURES,
      time: view.getFloat64(at + TIME),
      keyStart,
      keyEnd,
      failuresStart,
      start: entriesStart,
      end: entriesEnd,
    });
    at = entriesEnd;
  }
  return runs;
};
