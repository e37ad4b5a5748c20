/**
 * What happens around the clients of a history: brokers are started with other numbers of shards, single shards die, and
 * backups are made. What is drawn here does not change what the clients of a seed do.
 */
import { Random } from "./random.js";
import type { History, Move, Step } from "./steps.js";

/** Which other numbers are drawn for a seed than for its clients. */
const STREAM = 0x5a4d_0001;

const MAX_SHARDS = 3;

/** Operations of the disk that a move takes, about. */
const MOVE_STEPS = 60;

/** How likely each is, where it may be. */
export interface Surroundings {
  readonly shards: number;
  /** That the next broker has another number of shards. */
  readonly move: number;
  /** That a single shard ends where everything would. */
  readonly alone: number;
  /** At each move, that a backup is asked for. */
  readonly backup: number;
}

/** Some seeds have one shard and nothing else around them. */
const surroundingsOf = (random: Random): Surroundings =>
  random.chance(0.4)
    ? { shards: 1, move: 0, alone: 0, backup: 0 }
    : {
        shards: random.between(1, MAX_SHARDS),
        move: random.one([0, 0.3, 0.6]),
        alone: random.one([0, 0.3]),
        backup: random.one([0, 0.01, 0.03]),
      };

/** Puts a history into its surroundings, or into others. */
export const surrounded = (history: History, other: Partial<Surroundings> = {}): History => {
  const random = new Random(history.seed ^ STREAM);
  const { shards, move, alone, backup } = { ...surroundingsOf(random), ...other };
  const around = (step: Step): Step => {
    if (step.do !== "restart" && step.do !== "crash") return step;
    if (step.do === "crash" && random.chance(alone)) return { ...step, kind: "shard" };
    if (!random.chance(move)) return step;
    const shards = random.between(1, MAX_SHARDS);
    // Within the move, or right after it.
    const again = [random.between(1, MOVE_STEPS)];
    return step.do === "crash" && random.chance(0.5) ? { ...step, shards, again } : { ...step, shards };
  };
  const last = history.moves.length - 1;
  const moves = history.moves.flatMap(({ step, flush }, i): readonly Move[] => {
    // The end of all is what shows whether everything has survived.
    if (i === last) return [{ step, flush }];
    const own = { step: around(step), flush };
    return random.chance(backup) ? [{ step: { do: "backup" }, flush: true }, own] : [own];
  });
  return { ...history, settings: { ...history.settings, shards }, moves };
};
