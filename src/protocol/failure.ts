/** How deliveries fail. */

/** How a delivery has failed: what became of the message afterwards is another matter. */
export const Failed = {
  /** Its program has given it back. */
  NACKED: 1,
  /** Nobody has settled it within the TTR. */
  TIMED_OUT: 2,
  /** The connection of its consumer has ended. */
  CONSUMER_GONE: 3,
  /** Its program has given it back and does not want it retried. */
  REJECTED: 4,
} as const;
