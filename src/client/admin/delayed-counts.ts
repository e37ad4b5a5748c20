/** How many delayed messages are due when. Times are milliseconds since 1970. */

export interface DelayedOptions {
  /** The queue's bind key. Default `default`. */
  readonly queue?: string | undefined;
  /** Parts of equal length that the time is counted by, 1 to 1,000. Default 60. */
  readonly buckets?: number | undefined;
  /** From when. Default: now. */
  readonly from?: number | undefined;
  /** Until when. Default: when the last one is due. */
  readonly to?: number | undefined;
}

export interface DelayedCounts {
  /** The broker's clock when it was asked. */
  readonly now: number;
  readonly from: number;
  readonly to: number;
  /** Messages that are due in each part of the time from `from` to `to`. */
  readonly counts: readonly number[];
  /** Those that are due before `from`, and after `to`. */
  readonly before: number;
  readonly after: number;
  /** When the first and the last of all delayed messages of the queue are due; null: there are none. */
  readonly first: number | null;
  readonly last: number | null;
}
