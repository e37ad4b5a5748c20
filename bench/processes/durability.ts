/**
 * The levels of durability that a broker can be measured at.
 */
import { Durability } from "#protocol/op.js";

export type Level = keyof typeof Durability;

/** From the lowest to the highest, which is the order of columns in a report. */
export const LEVELS: readonly Level[] = ["memory", "write", "fsync"];

/** The broker's default. */
export const DEFAULT_LEVEL: Level = "fsync";

/** The levels with a journal on disk. */
export const JOURNALLED: readonly Level[] = ["write", "fsync"];

export { Durability };
