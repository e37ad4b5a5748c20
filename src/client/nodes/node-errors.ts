/**
 * Which errors are about a node, so that another one may do what it did not.
 */
import { localError, RingmqError, type RingmqErrorCode } from "../base/error.js";

/** Those for which it makes no sense to ask the same node again; CLIENT_CLOSED is that of a node that is about to stop. */
const OF_THE_NODE: ReadonlySet<RingmqErrorCode> = new Set(["SHARD_DOWN", "JOURNAL_FAILED", "CLIENT_CLOSED"]);

/** Whether another node may do what this error refuses. CLIENT_BUSY is the limit of all nodes together. */
export const isForAnotherNode = (error: unknown): error is RingmqError =>
  error instanceof RingmqError && error.code !== "CLIENT_BUSY" && (error.retryable || OF_THE_NODE.has(error.code));

export const noNode = (): RingmqError => localError("CONNECT_FAILED", "no node is connected");
