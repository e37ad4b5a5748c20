/**
 * Which errors are about a node, so that another one may do what it did not.
 */
import { localError, RingmqError, type RingmqErrorCode } from "../base/error.js";

/** Those for which it makes no sense to ask the same node again; CLIENT_CLOSED is that of a node that is about to stop. */
const OF_THE_NODE: ReadonlySet<RingmqErrorCode> = new Set(["SHARD_DOWN", "JOURNAL_FAILED", "CLIENT_CLOSED"]);

/** A node that answers so has none of the messages that are meant. */
const ABSENT: ReadonlySet<RingmqErrorCode> = new Set(["NO_TOPIC", "NO_QUEUE"]);

export const isAbsence = (error: unknown): error is RingmqError =>
  error instanceof RingmqError && ABSENT.has(error.code);

/** Whether another node may do what this error refuses. CLIENT_BUSY is the limit of all nodes together. */
export const isForAnotherNode = (error: unknown): error is RingmqError =>
  error instanceof RingmqError && error.code !== "CLIENT_BUSY" && (error.retryable || OF_THE_NODE.has(error.code));

/** Refusals of what was looked at, and has not been taken. After another error, nobody knows. CLIENT_BUSY: nothing was sent. */
const REFUSALS: ReadonlySet<RingmqErrorCode> = new Set([
  "BUSY",
  "CLIENT_BUSY",
  "DISK_FAULT",
  "DISK_FULL",
  "MEMORY_FULL",
  "OUT_OF_DESCRIPTORS",
  "QUEUE_FULL",
  "TOO_MANY_IN_FLIGHT",
  "TOO_MANY_PRODUCERS",
]);

/** Whether the message that failed with this error has certainly not been taken. */
export const wasRefused = ({ code }: RingmqError): boolean => REFUSALS.has(code);

export const noNode = (): RingmqError => localError("CONNECT_FAILED", "no node is connected");
