/** What a subscriber of a channel may ask for: docs/protocol.md, SUBSCRIBE. */

export const OVERFLOWS = ["drop-oldest", "drop-newest", "conflate", "disconnect", "block"] as const;

/** What becomes of a subscriber that does not keep up. */
export type Overflow = (typeof OVERFLOWS)[number];

/** Where a subscription begins, and how much it may be sent. Absent: the next message, no history, no limit. */
export interface SubscribeOptions {
  /** The next message, the oldest there is, or the first published at that time (milliseconds since 1970) or later. */
  readonly from?: "now" | "start" | number | undefined;
  /** The first message to be sent, instead of `from`; with `epoch` to go on after a subscription that has ended. */
  readonly position?: number | undefined;
  /** What `position` counts in: a decimal id. */
  readonly epoch?: string | undefined;
  /** A channel that is not kept is to have a history. */
  readonly recover?: boolean | undefined;
  /** Messages that may be sent before more credit is given. */
  readonly credit?: number | undefined;
}
