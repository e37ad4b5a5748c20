/** A broker has stopped, though not in order. */
export class CloseError extends Error {
  override readonly name = "CloseError";

  constructor(
    /** That were cut off, failed at their end, or were down already. */
    readonly shards: readonly number[],
  ) {
    const which = shards.length === 1 ? "shard" : "shards";
    super(`${which} ${shards.join(", ")} did not end in order: the log tells why. What was not confirmed may be lost`);
  }
}
