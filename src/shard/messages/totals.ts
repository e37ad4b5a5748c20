/**
 * What a shard has done since it began, over all topics and channels, those that are gone among them. Topics count the same for
 * themselves.
 */
export class Totals {
  /** Messages that topics have taken, and bytes of all that topics and channels have taken. */
  published = 0;
  publishedBytes = 0;
  delivered = 0;
  acked = 0;
  retried = 0;
  released = 0;
  dead = 0;
  expired = 0;
  dropped = 0;
  /** Messages that channels have taken. */
  channel = 0;
  /** Requests whose confirm has gone. */
  confirmed = 0;
}
