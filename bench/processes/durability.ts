/**
 * The levels of durability that a broker can be measured at.
 */
import { Durability } from "#protocol/op.js";

export type Level = keyof typeof Durability;

/** From the least to the most, which is the order of their columns in a report. */
export const LEVELS: readonly Level[] = ["memory", "write", "fsync"];

/** The broker's own. */
export const DEFAULT_LEVEL: Level = "fsync";

/** What has a journal on disk. */
export const JOURNALLED: readonly Level[] = ["write", "fsync"];

export { Durability };
