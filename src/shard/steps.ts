/**
 * Requests that must walk much of what a shard holds are carried out in steps of about a millisecond. Between two steps
 * others have their turn: whoever has asked applies the same command again, before anything else of that connection,
 * until it is carried out. What a step may walk is counted and not measured, so that the same commands at the same times
 * have the same effects on every machine.
 */
import type { Command } from "./command.js";

/**
 * What is left of a command: yields where others may have their turn, and is given the command again. The one before is
 * not its own any more, nor are its bytes.
 */
export type Steps<C extends Command = Command, T = void> = Generator<undefined, T, C>;

/** Extents that a step may move or drop; what only looks at them may look at more. */
export const STEP_EXTENTS = 4_096;

/** Looks that cost as much as one extent that is moved or dropped. */
export const LOOKS = 16;

/** What the end of a consumer costs, in extents that are moved. */
export const CONSUMER_EXTENTS = 8;

export class Unfinished {
  /** By connection, or another number of who goes on with it: what was begun. */
  readonly #steps = new Map<number, Steps<never>>();
  /** Of them, those that come to their end though nobody asks for it any more. */
  readonly #lasting = new Set<number>();

  /**
   * Does the next step of a command; `begin` makes its steps if it has none yet. True: it is carried out, or what it
   * threw was its end.
   */
  step<C extends Command>(c: C, begin: () => Steps<C>, key = c.connection, isLasting = false): boolean {
    // One connection has one command under way: its others wait behind it.
    const steps = (this.#steps.get(key) as Steps<C> | undefined) ?? begin();
    this.#steps.delete(key);
    this.#lasting.delete(key);
    if (steps.next(c).done) return true;
    this.#steps.set(key, steps as Steps<never>);
    if (isLasting) this.#lasting.add(key);
    return false;
  }

  has(connection: number): boolean {
    return this.#steps.size > 0 && this.#steps.has(connection);
  }

  /** A connection is gone: nobody asks for the rest. Answers it if it is to be done all the same. */
  abandon(connection: number): Steps | undefined {
    const steps = this.#steps.get(connection);
    this.#steps.delete(connection);
    if (this.#lasting.delete(connection)) return steps as Steps | undefined;
    steps?.return(undefined);
    return undefined;
  }
}
