/** Which errors leave a publisher in doubt. */
import type { RingmqErrorCode } from "../client/base/error.js";

/** After these errors it is unknown whether the message was accepted; after any other it was not. */
export const IN_DOUBT: ReadonlySet<RingmqErrorCode> = new Set([
  "CONNECTION_CLOSED",
  "CLIENT_CLOSED",
  "UNKNOWN_ERROR",
  "SHARD_RESTARTED",
  "SHARD_DOWN",
  "SHUTTING_DOWN",
  "JOURNAL_FAILED",
]);
