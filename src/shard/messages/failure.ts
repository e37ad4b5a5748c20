/** What a queue is told of a delivery that has failed. */
import { Failed } from "../../protocol/failure.js";
import type { Holder } from "./queue-context.js";

export interface Failure {
  /** A `Failed` of src/protocol/failure.ts. */
  readonly how: number;
  /** Milliseconds until the message is ready again; undefined: as the topic's retry policy says. */
  readonly delay: number | undefined;
  /** What the client of the consumer calls itself, and what it says of the failure; empty: nothing. */
  readonly consumer: string;
  readonly reason: string;
}

const NOBODY_IN_TIME: Failure = { how: Failed.TIMED_OUT, delay: undefined, consumer: "", reason: "" };

/** The TTR has passed. `holder`: who had the message; undefined: it was popped. */
export const timedOut = (holder: Holder | undefined): Failure =>
  holder === undefined || holder.client === "" ? NOBODY_IN_TIME : { ...NOBODY_IN_TIME, consumer: holder.client };

/** The connection of the consumer has ended. */
export const consumerGone = ({ client }: Holder): Failure => ({
  how: Failed.CONSUMER_GONE,
  delay: undefined,
  consumer: client,
  reason: "",
});
