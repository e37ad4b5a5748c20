/**
 * What happens around the clients of a history: brokers are started with other numbers of shards, single shards die, and
 * backups are made. What is drawn here does not change what the clients of a seed do.
 */
import { lookOf } from "./look-steps.js";
import { Random } from "./random.js";
import type { Fault } from "./simulated-disk.js";
import type { History, Move, Step } from "./steps.js";

/** Which other numbers are drawn for a seed than for its clients. */
const STREAM = 0x5a4d_0001;

/** And for those who look. */
const LOOKS_STREAM = 0x5a4d_0003;

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
  /** That the disk fails while a broker starts. */
  readonly fault: number;
  /** A topic that is in memory alone. */
  readonly inMemory: string | undefined;
  readonly keepsChannels: boolean;
  /** That somebody looks through a queue, at each move. */
  readonly looks: number;
}

/** Some seeds have one shard and nothing else around them. */
const surroundingsOf = (random: Random): Omit<Surroundings, "looks"> =>
  random.chance(0.4)
    ? { shards: 1, move: 0, alone: 0, backup: 0, fault: 0, inMemory: undefined, keepsChannels: false }
    : {
        shards: random.between(1, MAX_SHARDS),
        move: random.one([0, 0.3, 0.6]),
        alone: random.one([0, 0.3]),
        backup: random.one([0, 0.01, 0.03]),
        fault: random.one([0.1, 0.4]),
        inMemory: random.often([2, undefined], [1, "t"]),
        keepsChannels: random.chance(0.3),
      };

const faultOf = (random: Random): Fault => ({
  kind: random.one(["full", "write", "sync"] as const),
  after: random.below(MOVE_STEPS / 6),
  times: random.between(1, 3),
});

/** Puts a history into its surroundings, or into others. */
export const surrounded = (history: History, other: Partial<Surroundings> = {}): History => {
  const random = new Random(history.seed ^ STREAM);
  const looking = new Random(history.seed ^ LOOKS_STREAM);
  const ofSeed = { ...surroundingsOf(random), looks: looking.often([4, 0], [1, 0.05], [1, 0.2]) };
  const { shards, move, alone, backup, fault, inMemory, keepsChannels, looks } = { ...ofSeed, ...other };
  const around = (step: Step): Step => {
    if (step.do !== "restart" && step.do !== "crash") return step;
    if (step.do === "crash" && random.chance(alone)) return { ...step, kind: "shard" };
    const fails = random.chance(fault) ? { ...step, fault: faultOf(random) } : step;
    if (!random.chance(move)) return fails;
    const shards = random.between(1, MAX_SHARDS);
    // Within the move, or right after it.
    const again = [random.between(1, MOVE_STEPS)];
    return fails.do === "crash" && random.chance(0.5) ? { ...fails, shards, again } : { ...fails, shards };
  };
  const topics = [...new Set(history.moves.flatMap(({ step }) => ("topic" in step ? [step.topic] : [])))];
  const last = history.moves.length - 1;
  const moves = history.moves.flatMap(({ step, flush }, i): readonly Move[] => {
    // The end of all is what shows whether everything has survived.
    if (i === last) return [{ step, flush }];
    const own: Move[] = [{ step: around(step), flush }];
    if (random.chance(backup)) own.unshift({ step: { do: "backup" }, flush: true });
    if (looks > 0 && looking.chance(looks)) own.unshift({ step: lookOf(looking, topics), flush: looking.chance(0.8) });
    return own;
  });
  const config: Step = { do: "configure", topic: inMemory ?? "", config: { durability: "memory" } };
  return {
    ...history,
    settings: { ...history.settings, shards, keepsChannels },
    moves: inMemory === undefined ? moves : [{ step: config, flush: true }, ...moves],
  };
};
