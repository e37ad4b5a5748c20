/** The commands that are carried out in steps and are not done yet: one for each connection at the most. */
import type { Command } from "./command.js";
import type { Steps } from "./steps.js";

export class UnfinishedCommands {
  /** By connection, or by another number that stands for whoever goes on with it. */
  readonly #steps = new Map<number, Steps<never>>();
  /** Of these, those that are finished even when their connection is gone: others have been told of them. */
  readonly #lasting = new Set<number>();

  /**
   * Does the next step of a command; `begin` makes its steps if it has none yet. True: it is carried out. If a step
   * throws, that was its end.
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

  /** A connection is gone: nobody asks for the rest. Answers the steps that must be finished all the same. */
  abandon(connection: number): Steps | undefined {
    const steps = this.#steps.get(connection);
    this.#steps.delete(connection);
    if (this.#lasting.delete(connection)) return steps as Steps | undefined;
    steps?.return(undefined);
    return undefined;
  }
}
