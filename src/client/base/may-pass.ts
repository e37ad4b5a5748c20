/**
 * Which refusals are not for good.
 */
import type { RingmqError, RingmqErrorCode } from "./error.js";

/** Refusals that a broker may not repeat later, though the same call makes no sense now. */
const PASSING: ReadonlySet<RingmqErrorCode> = new Set(["SHARD_DOWN", "JOURNAL_FAILED"]);

/** Whether another attempt, later or after a restart of the broker, may succeed. */
export const mayPass = ({ code, retryable }: RingmqError): boolean => retryable || PASSING.has(code);
