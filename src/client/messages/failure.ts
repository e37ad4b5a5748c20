/** What a broker tells of the deliveries of a message that have failed. */
import { Failed, readFailures } from "../../protocol/failure.js";
import { readText } from "../../protocol/text.js";

/**
 * How a delivery has failed: the program has nacked the message, nobody has settled it within its TTR, its consumer's
 * connection has ended, or the program has nacked it with `retry: false`.
 */
export type FailureKind = "nacked" | "timed-out" | "consumer-gone" | "rejected";

const KINDS: Readonly<Record<number, FailureKind>> = {
  [Failed.NACKED]: "nacked",
  [Failed.TIMED_OUT]: "timed-out",
  [Failed.CONSUMER_GONE]: "consumer-gone",
  [Failed.REJECTED]: "rejected",
};

/** A delivery that has failed. */
export interface Failure {
  /** Which failure of the message it is, from 1 on. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly kind: FailureKind;
  /** The `name` of the client that had the message; empty: it has none, or the message was popped. */
  readonly consumer: string;
  /** What the nack gave as its reason; empty: nothing. */
  readonly reason: string;
}

/** The failures in [start, end) of a frame. */
export const failuresIn = (bytes: Uint8Array, view: DataView, start: number, end: number): readonly Failure[] =>
  readFailures(view, start, end).map(({ number, time, how, consumerStart, reasonStart, end: next }) => ({
    number,
    time: Math.floor(time),
    // Of a broker that knows more than this client.
    kind: KINDS[how] ?? "nacked",
    consumer: readText(bytes, consumerStart, reasonStart),
    reason: readText(bytes, reasonStart, next),
  }));
