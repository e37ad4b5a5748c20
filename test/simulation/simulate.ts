/** Runs simulations, and makes a history that fails as short as is cheap. */
import type { Makers } from "./life.js";
import type { History, Move } from "./steps.js";
import type { Tally } from "./tally.js";
import { World } from "./world.js";

export interface Failure {
  readonly history: History;
  /** The move at which it fails. */
  readonly index: number;
  readonly error: unknown;
}

/** Plays a history from its beginning; answers why it failed, if it did. */
export const simulate = (history: History, makers: Makers): Failure | Tally => {
  let index = -1;
  try {
    return new World(history, makers).play((each) => {
      index = each;
    });
  } catch (error) {
    return { history, index, error };
  }
};

export const isFailure = (outcome: Failure | Tally): outcome is Failure => "error" in outcome;

/** Plays that a failing history is worth. */
const SHRINK_RUNS = 400;

/** A history that fails with as few moves as can be found in a moment. */
export const shrink = (failure: Failure, makers: Makers, runs = SHRINK_RUNS): Failure => {
  let best: Failure = { ...failure, history: cut(failure.history, failure.history.moves.slice(0, failure.index + 1)) };
  let left = runs;
  for (let size = Math.ceil(best.history.moves.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.history.moves.length && left > 0; ) {
      const moves: Move[] = best.history.moves.toSpliced(at, size);
      const outcome = simulate(cut(best.history, moves), makers);
      left--;
      if (isFailure(outcome)) best = { ...outcome, history: cut(outcome.history, moves.slice(0, outcome.index + 1)) };
      else at += size;
    }
  }
  return best;
};

const cut = (history: History, moves: readonly Move[]): History => ({ ...history, moves });
