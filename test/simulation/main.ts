/**
 * `npm run simulate -- --seeds N --from S --steps K`: plays N histories of about K steps, from seed S on. Prints what it
 * does, and the first history that fails, shortened; its exit code is 1 then. `--seed S` plays one, with all that happens.
 */
import { parseArgs } from "node:util";
import { loadChecksum } from "../../src/journal/checksum.js";
import { historyOf } from "./histories.js";
import { type Makers, realMakers } from "./life.js";
import { type Failure, isFailure, shrink, simulate } from "./simulate.js";
import type { Tally } from "./tally.js";

const USAGE = "usage: npm run simulate -- [--seeds N] [--from S] [--steps K] [--seed S]";

/** Milliseconds between two lines of progress. */
const PROGRESS_INTERVAL = 2000;

const number = (text: string, name: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} takes a whole number\n${USAGE}`);
};

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    steps: { type: "string", default: "300" },
    seed: { type: "string" },
  },
});

const report = ({ history, index, error }: Failure): void => {
  console.log(`settings: ${JSON.stringify(history.settings)}`);
  for (const [i, move] of history.moves.entries()) console.log(`${String(i).padStart(4)} ${JSON.stringify(move)}`);
  console.log(`at move ${index}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
};

const add = (sum: Tally | undefined, tally: Tally): Tally => {
  const total = { ...tally };
  if (sum === undefined) return total;
  for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += sum[key];
  return total;
};

const run = (makers: Makers): number => {
  const steps = number(values.steps, "steps");
  const from = number(values.seed ?? values.from, values.seed === undefined ? "from" : "seed");
  const seeds = values.seed === undefined ? number(values.seeds, "seeds") : 1;
  const begin = Date.now();
  let next = begin + PROGRESS_INTERVAL;
  let sum: Tally | undefined;
  console.log(`simulating seeds ${from} to ${from + seeds - 1}, ${steps} steps each`);
  for (let seed = from; seed < from + seeds; seed++) {
    const outcome = simulate(historyOf(seed, steps), makers);
    if (isFailure(outcome)) {
      const { error } = outcome;
      console.log(`seed ${seed} fails: ${error instanceof Error ? error.message : String(error)}`);
      console.log("shortening its history …");
      report(shrink(outcome, makers));
      console.log(`again: npm run simulate -- --seed ${seed} --steps ${steps}`);
      return 1;
    }
    sum = add(sum, outcome);
    if (Date.now() < next) continue;
    next = Date.now() + PROGRESS_INTERVAL;
    console.log(`seed ${seed}: ${seed - from + 1} of ${seeds}, ${sum.recoveries} recoveries`);
  }
  console.log(`${seeds} seeds hold, in ${((Date.now() - begin) / 1000).toFixed(1)} s: ${JSON.stringify(sum)}`);
  return 0;
};

process.exitCode = run(realMakers(await loadChecksum()));
