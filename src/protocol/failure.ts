/**
 * Failures: how deliveries of a message have ended without an ack. Those of a message are its **history**, in the order in
 * which they came, the first of them and the last `LAST_FAILURES`. A record of the journal and a run have them in the same
 * layout, one behind the other:
 *
 * ```
 *  0          4          12     13         14         16        16+c         16+c+r
 *  +----------+----------+------+----------+----------+----------+------------+
 *  | number   | time     | how  | c        | r        | consumer | reason     |
 *  | u32      | f64      | u8   | u8       | u16      | c bytes  | r bytes    |
 *  +----------+----------+------+----------+----------+----------+------------+
 * ```
 *
 * `number` counts the failures of the message from 1 on, `time` is in milliseconds since 1970. `consumer` is what the client
 * calls itself, `reason` what its program has said; both are UTF-8, and may be empty.
 */
import { ProtocolError } from "./errors.js";

/** How a delivery has failed: what became of the message afterwards is another matter. */
export const Failed = {
  /** Its program has given it back. */
  NACKED: 1,
  /** Nobody has settled it within the TTR. */
  TIMED_OUT: 2,
  /** The connection of its consumer has ended. */
  CONSUMER_GONE: 3,
  /** Its program has given it back, and not to be retried. */
  REJECTED: 4,
} as const;

/** The same in words. */
export const FAILED_HOW: Readonly<Record<number, string>> = {
  [Failed.NACKED]: "nacked",
  [Failed.TIMED_OUT]: "timed out",
  [Failed.CONSUMER_GONE]: "consumer gone",
  [Failed.REJECTED]: "rejected",
};

/** Bytes of a reason, as a client sends it: a message and the head of a stack. What is no UTF-8 may take three times as many. */
export const MAX_REASON_BYTES = 2048;

/** Failures that a history has beside the first. */
export const LAST_FAILURES = 8;

export const FAILURE_NUMBER = 0;
export const FAILURE_TIME = 4;
export const FAILURE_HOW = 12;
export const FAILURE_CONSUMER_LENGTH = 13;
export const FAILURE_REASON_LENGTH = 14;
export const FAILURE_TEXTS = 16;

/** Writes a failure at `at`. Answers where it ends. */
export const writeFailure = (
  bytes: Uint8Array,
  view: DataView,
  at: number,
  number: number,
  time: number,
  how: number,
  consumer: Uint8Array,
  reason: Uint8Array,
): number => {
  view.setUint32(at + FAILURE_NUMBER, number);
  view.setFloat64(at + FAILURE_TIME, time);
  view.setUint8(at + FAILURE_HOW, how);
  view.setUint8(at + FAILURE_CONSUMER_LENGTH, consumer.length);
  view.setUint16(at + FAILURE_REASON_LENGTH, reason.length);
  bytes.set(consumer, at + FAILURE_TEXTS);
  bytes.set(reason, at + FAILURE_TEXTS + consumer.length);
  return at + FAILURE_TEXTS + consumer.length + reason.length;
};

/** A failure as it was received. The ranges point into the frame. */
export interface ReceivedFailure {
  readonly number: number;
  readonly time: number;
  /** A `Failed`. */
  readonly how: number;
  /** UTF-8: [consumerStart, reasonStart) and [reasonStart, end). */
  readonly consumerStart: number;
  readonly reasonStart: number;
  readonly end: number;
}

/** Reads the failures in [start, end). Throws BAD_FRAME when they do not have the layout above. */
export const readFailures = (view: DataView, start: number, end: number): ReceivedFailure[] => {
  const failures: ReceivedFailure[] = [];
  for (let at = start; at < end; ) {
    if (end - at < FAILURE_TEXTS) throw new ProtocolError("BAD_FRAME", "a failure is cut short");
    const consumerStart = at + FAILURE_TEXTS;
    const reasonStart = consumerStart + view.getUint8(at + FAILURE_CONSUMER_LENGTH);
    const next = reasonStart + view.getUint16(at + FAILURE_REASON_LENGTH);
    if (next > end) throw new ProtocolError("BAD_FRAME", "a failure is cut short");
    failures.push({
      number: view.getUint32(at + FAILURE_NUMBER),
      time: view.getFloat64(at + FAILURE_TIME),
      how: view.getUint8(at + FAILURE_HOW),
      consumerStart,
      reasonStart,
      end: next,
    });
    at = next;
  }
  return failures;
};
