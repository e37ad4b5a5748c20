/**
 * Commands that must walk much of what a shard holds are carried out in steps of about a millisecond. Between two steps
 * others have their turn: whoever asked applies the same command again, before anything else of that connection, until
 * it is carried out. What a step may walk is counted, not measured, so that the same commands at the same times have the
 * same effects on every machine.
 */
import type { Command } from "./command.js";

/**
 * What is left of a command. It yields where others may have their turn, and is resumed with the command decoded anew:
 * the object it was given before, and the bytes behind that, may have been used for something else.
 */
export type Steps<C extends Command = Command, T = void> = Generator<undefined, T, C>;

/** Extents that a step may move or drop. */
export const STEP_EXTENTS = 4_096;

/** Extents that can be looked at for the price of moving or dropping one. */
export const LOOKS_PER_EXTENT = 16;

/** The price of ending a consumer, in extents that are moved. */
export const CONSUMER_EXTENTS = 8;
