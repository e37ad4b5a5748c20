/** Waiting between two tries. */
import { setTimeout } from "node:timers/promises";

/** Returns after `milliseconds`, or at once when `signal` fires. Holds no process open. */
export const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  try {
    await setTimeout(milliseconds, undefined, { signal, ref: false });
  } catch {
    // Whoever waits looks at the signal.
  }
};

/** Pauses that double from one failure to the next, up to a bound, so that a registry that comes back is not stormed. */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  #next: number;

  constructor(first: number, longest: number) {
    this.#first = first;
    this.#longest = longest;
    this.#next = first;
  }

  reset(): void {
    this.#next = this.#first;
  }

  /** Between half of what it is and all of it: nodes that lost the same registry come back at different times. */
  next(): number {
    const pause = this.#next;
    this.#next = Math.min(this.#longest, pause * 2);
    return pause * (0.5 + Math.random() / 2);
  }
}
