/**
 * Spreads a history over several shards: some seeds have one, others several, and brokers are started with other numbers
 * of them. Single shards die. What is drawn here does not change what the clients of a seed do.
 */
import { Random } from "./random.js";
import type { History, Move, Step } from "./steps.js";

/** Which other numbers are drawn for a seed than for its clients. */
const STREAM = 0x5a4d_0001;

const MAX_SHARDS = 3;

const shardsOf = (random: Random): number => random.between(1, MAX_SHARDS);

/** The histories of some seeds stay with one shard. */
export const spread = (history: History): History => {
  const random = new Random(history.seed ^ STREAM);
  const isSpread = random.chance(0.6);
  if (!isSpread) return history;
  const settings = { ...history.settings, shards: shardsOf(random) };
  /** How likely a broker is started with another number, and how likely a shard ends where everything would. */
  const change = random.one([0, 0.3, 0.6]);
  const alone = random.one([0, 0.3]);
  const spreadStep = (step: Step): Step => {
    if (step.do !== "restart" && step.do !== "crash") return step;
    if (step.do === "crash" && random.chance(alone)) return { ...step, kind: "shard" };
    return random.chance(change) ? { ...step, shards: shardsOf(random) } : step;
  };
  const last = history.moves.length - 1;
  const moves = history.moves.map(
    ({ step, flush }, i): Move => ({ step: i === last ? step : spreadStep(step), flush }),
  );
  return { ...history, settings, moves };
};
