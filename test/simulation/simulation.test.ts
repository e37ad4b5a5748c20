/** Whatever happens to a broker and its disk, nothing that was confirmed is lost. `npm run simulate` does more of it. */
import { describe, expect, it } from "vitest";
import { loadChecksum } from "../../src/journal/checksum.js";
import { DIRECTED } from "./directed-histories.js";
import { CI_SEEDS, CI_STEPS, historyOf } from "./histories.js";
import { realMakers } from "./life.js";
import { PLANTED_BUGS } from "./planted-bugs.js";
import { reporting } from "./planted-lease-bugs.js";
import { isFailure, shrink, simulate } from "./simulate.js";
import type { Move, Step } from "./steps.js";
import type { Tally } from "./tally.js";

const { RINGMQ_SIMULATION_SEEDS = String(CI_SEEDS) } = process.env;
const SEEDS = Number(RINGMQ_SIMULATION_SEEDS);
/** Seeds that one test plays, so that a failure is soon seen. */
const PART = 50;
const TIMEOUT = 180_000;
/** Of each of the histories that show planted bugs: nearly all of these show in as many. */
const DIRECTED_SEEDS = 8;

const makers = realMakers(await loadChecksum());
const total: Partial<Tally> = {};

const flushed = (step: Step): Move => ({ step, flush: true });

const play = (seed: number): void => {
  const outcome = simulate(historyOf(seed, CI_STEPS), makers);
  if (isFailure(outcome)) {
    console.error(`seed ${seed} fails: npm run simulate -- --seed ${seed} --steps ${CI_STEPS}`);
    throw outcome.error;
  }
  for (const key of Object.keys(outcome) as (keyof Tally)[]) total[key] = (total[key] ?? 0) + outcome[key];
};

describe("a broker on a disk that loses what was not synced", () => {
  const parts = Array.from({ length: Math.ceil(SEEDS / PART) }, (_, i) => 1 + i * PART);
  it.each(parts)("keeps its word in the histories from seed %i on", { timeout: TIMEOUT }, (from) => {
    for (let seed = from; seed < Math.min(from + PART, SEEDS + 1); seed++) play(seed);
  });

  it.each(DIRECTED)("keeps its word in histories of %s", { timeout: TIMEOUT }, (_name, towards) => {
    for (let seed = 1; seed <= DIRECTED_SEEDS; seed++) {
      const outcome = simulate(towards(seed), makers);
      if (isFailure(outcome)) throw new Error(`the history of seed ${seed} fails`, { cause: outcome.error });
    }
  });

  it("counts no retry but for what a program was handed", { timeout: TIMEOUT }, () => {
    for (let seed = 1; seed <= 12; seed++) {
      const outcome = simulate(reporting(seed), makers);
      if (isFailure(outcome)) throw new Error(`the reporting history of seed ${seed} fails`, { cause: outcome.error });
    }
  });

  it("misses what a channel had in memory alone between what it kept before and after", () => {
    const publish = { connection: 1, channel: "c", key: "", count: 2, size: 10 };
    const moves = [
      flushed({ do: "configureChannel", channel: "c", config: { keep: true } }),
      flushed({ do: "publishChannel", ...publish }),
      flushed({ do: "configureChannel", channel: "c", config: { durability: "memory" } }),
      flushed({ do: "publishChannel", ...publish }),
      flushed({ do: "configureChannel", channel: "c", config: { durability: "write" } }),
      flushed({ do: "publishChannel", ...publish }),
      flushed({ do: "crash", kind: "process", after: 0, seed: 1, pause: 100, again: [] }),
    ];
    const { settings } = historyOf(1, 0);
    expect(simulate({ seed: 1, settings, moves }, makers)).not.toHaveProperty("error");
  });

  it("holds when the power goes in any operation of a move", { timeout: TIMEOUT }, () => {
    const queue = { topic: "t", queue: "default" };
    const batch = { topic: "t", key: "", delay: 0, ttl: 0, count: 3, size: 10, merged: false };
    const nacked = { from: "in-flight", at: 0, count: 1, quote: "right" } as const;
    const settings = { ...historyOf(1, 0).settings, shards: 1 };
    for (let after = 1; after <= 100; after++) {
      const moves = [
        flushed({ do: "publish", connection: 1, ...batch }),
        flushed({ do: "publish", connection: 1, ...batch }),
        flushed({ do: "pop", connection: 1, ...queue, max: 1, wait: 0 }),
        flushed({ do: "nack", connection: 1, picks: [nacked], aim: 0, delay: 0, reject: false }),
        // With this seed the start that is interrupted has two shards as well.
        flushed({ do: "crash", kind: "power", after: 0, seed: 4, pause: 10, again: [after], shards: 2 }),
      ];
      expect(simulate({ seed: 1, settings, moves }, makers), `operation ${after}`).not.toHaveProperty("error");
    }
  });

  it("has been through everything that can go wrong", () => {
    console.log(`simulated: ${JSON.stringify(total)}`);
    for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(SEEDS / 10);
  });
});

describe("a history", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(historyOf(7, 100)).toEqual(historyOf(7, 100));
    expect(historyOf(8, 100)).not.toEqual(historyOf(7, 100));
  });

  it("that fails is shortened, and still fails", () => {
    const [bug] = PLANTED_BUGS;
    const broken = bug?.plant(makers) ?? makers;
    for (let seed = 1; ; seed++) {
      const history = historyOf(seed, CI_STEPS);
      const outcome = simulate(history, broken);
      if (!isFailure(outcome)) continue;
      const short = shrink(outcome, broken);
      expect(short.history.moves.length).toBeLessThan(history.moves.length / 4);
      expect(simulate(short.history, broken)).toHaveProperty("error");
      return;
    }
  });
});
