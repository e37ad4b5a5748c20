/**
 * What the id of a message tells.
 */

/** The first millisecond of ids: 2024-01-01T00:00:00Z. */
const EPOCH = 1_704_067_200_000;

/** Bits of an id below those of its milliseconds. */
const LOW_BITS = 22n;

/** When a message was published: milliseconds since 1970. `id` is decimal. */
export const publishedAt = (id: string): number => Number(BigInt(id) >> LOW_BITS) + EPOCH;
