/** What a queue is told of a delivery that has failed. */
import { Failed } from "../../protocol/failure.js";

export interface Failure {
  /** A `Failed` of src/protocol/failure.ts. */
  readonly kind: number;
  /** Milliseconds until the message is ready again; undefined: as the topic's retry policy says. */
  readonly delay: number | undefined;
}

export const TIMED_OUT: Failure = { kind: Failed.TIMED_OUT, delay: undefined };
export const CONSUMER_GONE: Failure = { kind: Failed.CONSUMER_GONE, delay: undefined };
